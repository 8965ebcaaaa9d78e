import io

import numpy as np
import pytest
from PIL import Image

from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.visualization.contact_sheet import (
    FRAME,
    MARGIN,
    heading_height,
    tile_step,
)
from mmcion.visualization.denoise_sheets import (
    CELL,
    COLUMNS,
    Pictures,
    RemovedRows,
    cross_video_sheet,
    dissolved_sheet,
    doubtful_links,
    doubtful_sheet,
    removed_sheet,
)
from mmcion.visualization.denoise_summary import IdentitySummary
from mmcion.visualization.palette import BLUE, GREY, ORANGE, PAPER, RED, rgb

STEP = tile_step(CELL, captions=True)


def table_of(video_id, tracklet_id, path=None):
    return TrackletTable.from_columns(
        video_id=video_id,
        tracklet_id=tracklet_id,
        frame=np.arange(len(video_id)),
        path=path,
    )


def shade(row):
    """Return a picture of the shape of a cell that tells its row."""
    return np.full((2 * CELL[1], 2 * CELL[0], 3), 10 * row, np.uint8)


def centre(sheet, line, place):
    heading = heading_height('x')
    y = MARGIN + line * (heading + STEP[1]) + heading + FRAME + CELL[1] // 2
    x = MARGIN + place * STEP[0] + FRAME + CELL[0] // 2
    return tuple(sheet[y, x])


def frame(sheet, line, place):
    heading = heading_height('x')
    y = MARGIN + line * (heading + STEP[1]) + heading + FRAME + CELL[1] // 2
    return tuple(sheet[y, MARGIN + place * STEP[0] + 1])


def grey(value):
    return (value, value, value)


def test_identity_of_most_videos_comes_first():
    table = table_of([0, 0, 0, 1, 1, 2], np.zeros(6))
    labels = IdentityLabels(np.array([0, 0, 1, 0, 1, 1], np.int32))
    summary = IdentitySummary.of(table, labels)
    sheet = cross_video_sheet(Pictures(table, shade), labels, summary, 9)
    seen = [centre(sheet.image, 0, place) for place in range(3)]
    assert seen == [grey(20), grey(40), grey(50)]  # rows of identity 1
    seen = [centre(sheet.image, 1, place) for place in range(4)]
    assert seen == [grey(0), grey(10), grey(30), rgb(PAPER)]
    assert sheet.remark == ''


@pytest.mark.parametrize(('videos', 'shown'), [(2, 10), (4, 8), (25, 10)])
def test_pictures_are_spread_over_the_videos(videos, shown):
    asked = []

    def load(row):
        asked.append(row)
        return shade(1)

    table = table_of(np.repeat(np.arange(videos), 20), np.zeros(20 * videos))
    labels = IdentityLabels.from_tracklets(table)
    labels.identity[:] = 0
    summary = IdentitySummary.of(table, labels)
    cross_video_sheet(Pictures(table, load), labels, summary, 1)
    assert len(asked) == shown <= COLUMNS
    each = np.bincount(table.video_id[asked], minlength=videos)
    assert set(each) <= {shown // min(videos, 10), 0}


def test_doubtful_links_are_sorted_and_know_their_delta():
    report = {
        'levels': [
            {'name': 'tracklets'},
            {'doubtful_links': [{'distance': 0.2}, {'distance': 0.4}]},
            {'noise': {'delta': 0.5}, 'doubtful_links': [{'distance': 0.3}]},
        ]
    }
    found = doubtful_links(report, 2)
    assert [link['distance'] for link in found] == [0.4, 0.3]
    assert [link['delta'] for link in found] == [None, 0.5]
    assert doubtful_links({}, 2) == []


def test_sides_of_a_link_stand_apart():
    table = table_of([0, 0, 1, 1], np.zeros(4))
    labels = IdentityLabels(np.array([0, 0, 0, -1], np.int32))
    links = [
        {'distance': 0.3, 'delta': 0.4, 'first': [1], 'second': [2, 3, 99]},
        {'distance': 0.2, 'delta': None},  # rows are not known
    ]
    sheet = doubtful_sheet(Pictures(table, shade), labels, links)
    assert centre(sheet.image, 0, 0) == grey(10)
    assert frame(sheet.image, 0, 0) == rgb(BLUE)
    assert centre(sheet.image, 0, 4) == rgb(PAPER)
    assert centre(sheet.image, 0, 5) == grey(20)
    assert frame(sheet.image, 0, 5) == rgb(ORANGE)
    assert centre(sheet.image, 0, 6) == grey(30)
    assert centre(sheet.image, 0, 7) == rgb(PAPER)  # there is no row 99


def test_removed_images_have_red_frames():
    table = table_of([0] * 6, [0, 0, 0, 1, 1, 2])
    labels = IdentityLabels(np.array([0, -1, 0, -1, -1, 2], np.int32))
    removed = RemovedRows.of(table, labels)
    assert removed.partly.tolist() == [0]
    assert removed.wholly.tolist() == [1]
    assert removed.images == 3
    sheet = removed_sheet(Pictures(table, shade), labels, removed.partly)
    kept = [centre(sheet.image, 0, place) for place in (0, 1, 2)]
    assert kept == [grey(0), grey(20), rgb(PAPER)]
    assert centre(sheet.image, 0, 5) == grey(10)
    assert frame(sheet.image, 0, 5) == rgb(RED)
    assert frame(sheet.image, 0, 0) != rgb(RED)
    sheet = dissolved_sheet(Pictures(table, shade), removed.wholly)
    middle = sheet.image[MARGIN + FRAME + 80, MARGIN + FRAME + 40]
    assert tuple(middle) == grey(40)


def test_unreadable_images_are_grey_and_counted(tmp_path):
    table = table_of([0, 1, 2], np.zeros(3), ['a.jpg', 'b.jpg', 'c.jpg'])
    labels = IdentityLabels(np.zeros(3, np.int32))
    summary = IdentitySummary.of(table, labels)

    def load(row):
        if row == 1:
            raise RuntimeError('damaged')
        return shade(row)

    pictures = Pictures(table, load)
    sheet = cross_video_sheet(pictures, labels, summary, 1)
    assert centre(sheet.image, 0, 1) == rgb(GREY)
    assert sheet.remark.startswith('1 of 3 images could not be read')
    assert 'row 1, b.jpg' in sheet.remark
    again = dissolved_sheet(pictures, np.array([0]))
    assert again.remark == ''  # counted per sheet
    nothing = cross_video_sheet(Pictures(table), labels, summary, 1)
    assert nothing.image is None
    assert nothing.remark.startswith('3 of 3 images could not be read')


def test_pictures_may_be_bytes_of_a_file():
    with io.BytesIO() as file:
        Image.fromarray(shade(7)).save(file, 'PNG')
        content = file.getvalue()
    table = table_of([0], [0])
    tile = Pictures(table, lambda row: content).tile(0, 'x')
    assert (tile.image == 70).all()
    tile = Pictures(table, lambda row: content[:50]).tile(0, 'x')
    assert tuple(tile.image[0, 0]) == rgb(GREY)


def test_pictures_of_a_wrong_type_are_unreadable():
    table = table_of([0], [0])
    tile = Pictures(table, lambda row: np.zeros((4, 4, 3))).tile(0, 'x')
    assert tuple(tile.image[0, 0]) == rgb(GREY)
