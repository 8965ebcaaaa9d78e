"""Overlapping tiles of a frame, in which small people appear larger."""

import cv2
import numpy as np

from ..detections import Detections

_MARGIN = 3  # pixels; a box this near to the border of its tile is cut


def tile_windows(
    width: int, height: int, tiles: tuple[int, int], overlap: float
) -> list[tuple[int, int, int, int]]:
    """Return ``x1, y1, x2, y2`` of tiles that cover a frame.

    ``tiles`` are columns and rows; ``overlap`` is the fraction of a tile
    that the next one covers too.
    """
    spans = []  # of the columns, of the rows
    for size, count in zip((width, height), tiles, strict=True):
        length = size / (count - (count - 1) * overlap)
        starts = [i * length * (1 - overlap) for i in range(count)]
        spans.append(
            [(round(s), min(round(s + length), size)) for s in starts]
        )
    return [(x1, y1, x2, y2) for y1, y2 in spans[1] for x1, x2 in spans[0]]


def cut_by_tile(
    boxes: np.ndarray,
    window: tuple[int, int, int, int],
    width: int,
    height: int,
) -> np.ndarray:
    """Return which boxes end at the border of their tile, inside the frame.

    They show a part of a person whom another tile shows completely. Boxes
    ``(n, 4)`` and the window of the tile are in pixels of the frame.
    """
    low, high = np.array(window[:2]), np.array(window[2:])
    near_low = (boxes[:, :2] < low + _MARGIN) & (low > 0)
    near_high = (boxes[:, 2:] > high - _MARGIN) & (high < (width, height))
    return np.asarray(np.any(near_low | near_high, axis=1))  # (n, 2) -> (n,)


def suppress(detections: Detections, iou: float) -> Detections:
    """Non-maximum suppression: keep the best of boxes above an IoU."""
    if not len(detections):
        return detections
    x1, y1, x2, y2 = detections.boxes.T
    xywh = np.stack((x1, y1, x2 - x1, y2 - y1), axis=1)
    kept = cv2.dnn.NMSBoxes(
        xywh.tolist(), detections.scores.tolist(), 0.0, iou
    )
    return detections[np.sort(np.asarray(kept, int).reshape(-1))]
