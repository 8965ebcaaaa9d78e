import numpy as np
import pytest

from mmcion.structures import Appearances, TrackletTable


@pytest.fixture
def columns():
    return {
        'video_id': [0, 0, 0, 0, 1, 1, 1],
        'tracklet_id': [0, 0, 0, 1, 0, 0, 1],
        'frame': [10, 20, 40, 50, 30, 60, 61],
        'path': list('abcdefg'),
        'videos': ['street', 'shop, left'],
        'fps': [10.0, None],
    }


IDENTITY = np.array([4, 4, 4, 4, 2, 4, -1], np.int32)


def read(path):
    return path.read_text(encoding='utf-8').splitlines()


def test_one_line_per_identity_and_video(columns, tmp_path):
    table = TrackletTable.from_columns(**columns)
    found = Appearances.from_labels(table, IDENTITY)
    found.save(tmp_path / 'appearances.csv', table)
    assert read(tmp_path / 'appearances.csv') == [
        'identity,video,first_frame,last_frame,start_seconds,end_seconds,'
        'images,best_crop',
        '2,"shop, left",30,30,,,1,e',
        # both visits; the middle image
        '4,street,10,50,1.0,5.0,4,c',
        '4,"shop, left",60,60,,,1,f',
    ]


@pytest.mark.parametrize(
    ('score', 'widths', 'best'),
    [
        ([0.1, 0.9, 0.5, 0.2], None, 'b'),
        ([0.1, 0.9, 0.9, 0.2], [9, 3, 4, 9], 'c'),
        ([0.9, 0.9, 0.9, 0.9], [3, 4, 4, 2], 'b'),
        ([np.nan, 0.1, 0.1, np.nan], [9, 3, 2, 9], 'b'),
        (None, [3, 4, 2, 5], 'd'),
    ],
)
def test_best_crop(columns, score, widths, best):
    # further rows are of other identities and videos
    if score is not None:
        columns['score'] = [*score, 1, 1, 1]
    if widths is not None:
        columns['box'] = [[0, 0, w, 2] for w in [*widths, 99, 99, 99]]
    table = TrackletTable.from_columns(**columns)
    found = Appearances.from_labels(table, IDENTITY)
    (entry,) = np.flatnonzero((found.identity == 4) & (found.video_id == 0))
    assert table.path[found.best_row[entry]] == best.encode()


def test_nobody_is_found(columns, tmp_path):
    for score in (None, [0.5] * 7):
        table = TrackletTable.from_columns(**columns, score=score)
        found = Appearances.from_labels(table, np.full(7, -1))
        assert len(found) == 0
        found.save(tmp_path / 'appearances.csv', table)
        assert len(read(tmp_path / 'appearances.csv')) == 1


def test_equals_a_plain_loop():
    rng = np.random.default_rng(0)
    video = np.sort(rng.integers(0, 5, 300))
    frame = rng.integers(0, 50, 300)
    order = TrackletTable.sort_order(video, video, frame)
    table = TrackletTable.from_columns(
        video_id=video,
        tracklet_id=video,
        frame=frame[order],
        score=rng.integers(0, 4, 300),
        box=rng.integers(1, 4, (300, 4)),
        fps=[1, 2, 0, 4, None],
    )
    identity = rng.integers(-1, 12, 300)
    found = Appearances.from_labels(table, identity)
    pairs = sorted({*zip(identity.tolist(), video.tolist(), strict=True)})
    pairs = [pair for pair in pairs if pair[0] >= 0]
    assert pairs == [*zip(found.identity, found.video_id, strict=True)]
    for entry, (pid, number) in enumerate(pairs):
        rows = np.flatnonzero((identity == pid) & (video == number))
        area = table.box[:, 2] * table.box[:, 3]
        best = max(rows, key=lambda r: (table.score[r], area[r], -r))
        assert found.best_row[entry] == best
        frames = table.frame[rows]
        assert found.first_frame[entry] == frames.min()
        assert found.last_frame[entry] == frames.max()
        assert found.images[entry] == len(rows)
        fps = {0: 1, 1: 2, 3: 4}.get(number, np.nan)
        times = [found.start[entry], found.end[entry]]
        np.testing.assert_array_equal(
            times, [frames.min() / fps, frames.max() / fps]
        )
