import numpy as np
import pytest

from mmcion.video import Detections
from mmcion.video.detectors.tiling import (
    cut_by_tile,
    suppress,
    tile_windows,
)


@pytest.mark.parametrize('tiles', [(1, 1), (2, 1), (3, 2), (5, 4)])
@pytest.mark.parametrize('overlap', [0.0, 0.2, 0.4])
def test_tiles_cover_the_frame(tiles, overlap):
    seen = np.zeros((107, 203), int)
    windows = tile_windows(203, 107, tiles, overlap)
    for x1, y1, x2, y2 in windows:
        seen[y1:y2, x1:x2] += 1

    assert len(windows) == tiles[0] * tiles[1]
    assert seen.min() == 1
    if overlap == 0:
        assert seen.max() <= 4 and (seen == 1).mean() > 0.8


def test_overlap_is_a_fraction_of_the_tile():
    left, right = tile_windows(180, 100, (2, 1), 0.2)

    assert left == (0, 0, 100, 100)
    assert right == (80, 0, 180, 100)


def test_boxes_cut_by_inner_borders_only():
    boxes = np.array(
        [
            [0, 10, 20, 50],  # at the border of the frame
            [80, 10, 100, 50],  # cut by the right border of the tile
            [40, 10, 60, 50],
        ]
    )

    cut = cut_by_tile(boxes, (0, 0, 100, 100), 180, 100)

    assert cut.tolist() == [False, True, False]


def test_the_better_of_two_equal_boxes_stays():
    boxes = [[0, 0, 10, 20], [1, 0, 11, 20], [50, 0, 60, 20]]

    kept = suppress(Detections(boxes, [0.5, 0.9, 0.4]), 0.5)

    assert kept.boxes.tolist() == boxes[1:]
    assert kept.scores == pytest.approx([0.9, 0.4])
    assert len(suppress(Detections.empty(), 0.5)) == 0
