"""Cut a frame into overlapping tiles, so that small people appear larger."""

import cv2
import numpy as np

from ..detections import Detections

_MARGIN = 3  # pixels between a box and the end of its tile


def tile_windows(
    width: int, height: int, tiles: tuple[int, int], overlap: float
) -> list[tuple[int, int, int, int]]:
    """Return ``x1, y1, x2, y2`` of tiles that cover a frame.

    Args:
        width: of the frame.
        height: of the frame.
        tiles: number of columns and of rows.
        overlap: share of a tile that it has in common with the next one.
    """
    spans = [
        _spans(size, count, overlap)
        for size, count in zip((width, height), tiles, strict=True)
    ]
    return [(x1, y1, x2, y2) for y1, y2 in spans[1] for x1, x2 in spans[0]]


def _spans(size: int, count: int, overlap: float) -> list[tuple[int, int]]:
    length = size / (count - (count - 1) * overlap)
    starts = [i * length * (1 - overlap) for i in range(count)]
    return [(round(s), min(round(s + length), size)) for s in starts]


def cut_by_tile(
    boxes: np.ndarray,
    window: tuple[int, int, int, int],
    width: int,
    height: int,
) -> np.ndarray:
    """Tell which boxes end where their tile ends, but not the frame.

    They show a part of a person, whom another tile shows whole.

    Args:
        boxes: ``(n, 4)`` corners in pixels of the frame.
        window: the tile that they were found in.
        width: of the frame.
        height: of the frame.

    Returns:
        ``(n,)`` bool.
    """
    low, high = np.array(window[:2]), np.array(window[2:])
    near_low = (boxes[:, :2] < low + _MARGIN) & (low > 0)
    near_high = (boxes[:, 2:] > high - _MARGIN) & (high < (width, height))
    return np.asarray(np.any(near_low | near_high, axis=1))


def suppress(detections: Detections, iou: float) -> Detections:
    """Keep the best of boxes that overlap by more than ``iou``."""
    if not len(detections):
        return detections
    x1, y1, x2, y2 = detections.boxes.T
    xywh = np.stack((x1, y1, x2 - x1, y2 - y1), axis=1)
    kept = cv2.dnn.NMSBoxes(
        xywh.tolist(), detections.scores.tolist(), 0.0, iou
    )
    return detections[np.sort(np.asarray(kept, int).reshape(-1))]
