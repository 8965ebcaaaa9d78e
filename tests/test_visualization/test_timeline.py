import numpy as np
import pytest

from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.testing.noise_model import NoiseModel
from mmcion.visualization import IdentityCounts, TableTiles
from mmcion.visualization.time_axis import TimeAxis
from mmcion.visualization.timeline import find_bars, make_timeline


def timeline_of(table, labels, **options):
    counts = IdentityCounts.from_labels(table, labels)
    return make_timeline(table, labels, counts, **options)


def table_of(video, frame, **more):
    return TrackletTable.from_columns(
        video_id=video,
        tracklet_id=np.zeros(len(video), int),
        frame=frame,
        **more,
    )


def test_bars_are_the_times_of_images():
    frame = [0, 4, 8, 40, 44, 96, 0, 4]
    table = table_of([0] * 6 + [1] * 2, frame, videos=['a', 'b'], fps=[4, 4])
    axis = TimeAxis(table)
    bars = find_bars(axis, table, np.arange(8))
    # in seconds: 25 of the first video, 2 of the second
    assert axis.length == 27
    found = [(27 * bar.left, 27 * bar.width, bar.text) for bar in bars]
    assert found == [
        (0, pytest.approx(3), 'a, 0:00 to 0:02'),
        (pytest.approx(10), pytest.approx(2), 'a, 0:10 to 0:11'),
        (pytest.approx(24), pytest.approx(1), 'a, 0:24'),
        (pytest.approx(25), pytest.approx(2), 'b, 0:00 to 0:01'),
    ]


def test_an_image_of_a_long_video_can_be_seen():
    table = table_of([0] * 4, [0, 1, 10**6, 10**6 + 1])
    axis = TimeAxis(table)
    first, last = find_bars(axis, table, np.arange(4))
    assert first.width == last.width > 0.001
    assert (first.left, last.left + last.width) == (0, pytest.approx(1))
    assert last.text == 'video00000, 1,000,000 to 1,000,001'


def test_all_of_few_identities_in_the_order_of_first_sight():
    table = table_of([0, 0, 1, 1, 1], [5, 6, 0, 1, 2])
    labels = IdentityLabels(np.array([9, -1, 4, 9, 2], np.int32))
    timeline = timeline_of(table, labels)
    rows = [(r.identity, r.images, r.videos) for r in timeline.rows]
    assert rows == [(9, 2, 2), (4, 1, 1), (2, 1, 1)]
    assert timeline.overview is None
    assert timeline.rows[0].thumbnail is None
    assert len(timeline.cuts) == 1


def test_the_best_crop_is_the_thumbnail():
    table = table_of(
        [0, 0, 0, 1],
        [0, 1, 2, 0],
        path=['a', 'b', 'c', 'd'],
        score=[0.1, 0.9, 0.3, 1],
    )
    labels = IdentityLabels(np.zeros(4, np.int32))

    def load(path):
        return np.full((200, 90, 3), ord(path), np.uint8)

    (row,) = timeline_of(table, labels, tiles=TableTiles(table, load)).rows
    # of the video with most images
    assert np.asarray(row.thumbnail.image).mean() == ord('b')
    assert row.thumbnail.image.height <= 120


def test_overview_of_many_identities():
    simulation = NoiseModel(videos=40, visits=20, images=8).simulate(0)
    table = simulation.table
    labels = IdentityLabels(simulation.pid.astype(np.int32))
    timeline = timeline_of(table, labels, most=7)
    counts = IdentityCounts.from_labels(table, labels)
    assert len(timeline.rows) == 7
    shown = {row.identity for row in timeline.rows}
    order = np.lexsort((-counts.images, -counts.videos))
    assert shown == {*counts.identity[order[:7]].tolist()}
    starts = [row.bars[0].left for row in timeline.rows]
    assert starts == sorted(starts)
    # more videos than lines between them: only those with a name
    assert len(timeline.cuts) == len(timeline.axis.names) - 1
    image = timeline.overview
    assert (image.mode, image.height) == ('P', 480)
    pixels = np.asarray(image)
    assert pixels.any(axis=1).all()
    # sorted by first sight: what is first in a line only moves right
    first = pixels.astype(bool).argmax(axis=1)
    assert (np.diff(first) >= 0).all()


def test_an_overview_pixel_is_a_part_of_identities():
    # 960 identities, two in a line; the second of each comes back at the end
    frame = np.concatenate((np.repeat(np.arange(480), 2), np.arange(480)))
    identity = np.concatenate((np.arange(960), np.arange(1, 960, 2)))
    frame[960:] += 20 * 480
    table = table_of(np.zeros(1440, int), frame)
    labels = IdentityLabels(identity.astype(np.int32))
    pixels = np.asarray(timeline_of(table, labels).overview)
    assert pixels[0, 0] == 255
    assert pixels[0].max() == 255
    late = pixels[:, -28:]
    assert set(late[late > 0].tolist()) == {191}


def test_nobody():
    table = table_of([0], [0])
    timeline = timeline_of(table, IdentityLabels(np.array([-1])))
    assert (timeline.rows, timeline.overview) == ([], None)
