"""Cut a frame into overlapping tiles, so that small people appear larger."""

import cv2
import numpy as np

from ..detections import Detections


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
