import numpy as np
import pytest
from PIL import Image

from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.visualization.denoising_counts import IdentityCounts
from mmcion.visualization.denoising_facts import DoubtfulLink
from mmcion.visualization.denoising_tiles import (
    TableTiles,
    cross_video_groups,
    dissolved_groups,
    doubtful_groups,
    removed_groups,
)
from mmcion.visualization.tiles import COLUMNS


def table_of(video_id, tracklet_id, path=None, root=None):
    return TrackletTable.from_columns(
        video_id=video_id,
        tracklet_id=tracklet_id,
        frame=np.arange(len(video_id)),
        path=path or [str(row) for row in range(len(video_id))],
        image_root=root,
    )


def shade(path):
    """Return an image whose colour is its row, which is its path."""
    return np.full((8, 4, 3), 10 * int(path), np.uint8)


def rows_of(side):
    """Return the rows that tiles made of ``shade`` show."""
    return [tile.image.getpixel((0, 0))[0] // 10 for tile in side]


def borders_of(side):
    return {tile.border for tile in side}


def test_tiles_name_their_file_video_and_frame(tmp_path):
    table = table_of([0, 1], [0, 0], ['a.png', '<b>.png'], tmp_path)
    Image.fromarray(shade(7)).save(tmp_path / '<b>.png')
    first, second = TableTiles(table)(np.array([0, 1]), 'red')
    assert second.name == '<b>.png'
    assert second.caption == 'video00001\nframe 1'
    assert second.border == 'red'
    assert rows_of([second]) == [7]
    assert first.image is None  # there is no file a.png


def test_identity_of_most_videos_comes_first():
    table = table_of([0, 0, 0, 1, 1, 2], np.zeros(6))
    labels = IdentityLabels(np.array([0, 0, 1, 0, 1, 1], np.int32))
    counts = IdentityCounts.from_labels(table, labels)
    groups = cross_video_groups(TableTiles(table, shade), labels, counts, 9)
    assert [rows_of(group.sides[0]) for group in groups] == [
        [2, 4, 5],
        [0, 1, 3],
    ]
    assert groups[0].heading == 'Identity 1: 3 images in 3 videos'


@pytest.mark.parametrize('videos', [2, 4, 25])
def test_crops_are_spread_over_the_videos(videos):
    read = []

    def load(path):
        read.append(int(path))
        return shade(1)

    table = table_of(np.repeat(np.arange(videos), 20), np.zeros(20 * videos))
    labels = IdentityLabels(np.zeros(len(table), np.int32))
    counts = IdentityCounts.from_labels(table, labels)
    cross_video_groups(TableTiles(table, load), labels, counts, 1)
    assert len(read) == COLUMNS
    assert read == sorted(read)
    each = np.bincount(table.video_id[read])
    assert np.ptp(each[each > 0]) <= 1


def test_sides_of_a_link_are_beside_each_other():
    table = table_of([0, 0, 1, 1], np.zeros(4))
    labels = IdentityLabels(np.array([0, 0, 0, -1], np.int32))
    links = [
        DoubtfulLink(0.3, 0.4, [1], [2, 99]),  # there is no row 99
        DoubtfulLink(0.25, None, [0], [3]),  # was removed since
        DoubtfulLink(0.2),
    ]
    groups = doubtful_groups(TableTiles(table, shade), labels, links)
    first, second = groups[0].sides
    assert (rows_of(first), rows_of(second)) == ([1], [2])
    assert (borders_of(first), borders_of(second)) == ({'blue'}, {'orange'})
    assert [group.heading for group in groups] == [
        'Distance 0.300, delta 0.400: identity 0',
        'Distance 0.250',
        'Distance 0.200',
    ]
    assert groups[2].sides == [[], []]


def test_removed_images_are_beside_those_that_were_kept():
    table = table_of([0] * 6, [0, 0, 0, 5, 5, 6])
    labels = IdentityLabels(np.array([0, -1, 0, -1, -1, 2], np.int32))
    tiles = TableTiles(table, shade)
    (group,) = removed_groups(tiles, labels, np.array([0]))
    kept, removed = group.sides
    assert (rows_of(kept), rows_of(removed)) == ([0, 2], [1])
    assert (borders_of(kept), borders_of(removed)) == ({''}, {'red'})
    assert group.heading == ('1 of 3 images removed: tracklet 0 of video00000')
    (group,) = dissolved_groups(tiles, np.array([1]))
    assert rows_of(group.sides[0]) == [4]  # the middle one
    assert borders_of(group.sides[0]) == {'red'}
