"""Features of the boxes of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmcion.apis.features import FeatureExtractor
from mmcion.utils.checks import UserError

if TYPE_CHECKING:
    import supervision as sv


def extract_embeddings(
    frame: np.ndarray, detections: sv.Detections, extractor: FeatureExtractor
) -> np.ndarray:
    """Return the features of the boxes of a frame.

    Corners are rounded and clipped to the frame. The features are those of
    the crops in image files.

    Args:
        frame: ``(H, W, 3)`` uint8, BGR as OpenCV reads.
        detections: n boxes.
        extractor: Network and its pre-processing.

    Returns:
        ``(n, d)`` float32. Boxes without a pixel in the frame have features
        of zeros, whose cosine to any other is 0.

    Raises:
        UserError: If the frame is of another kind, or a box is not finite.
    """
    is_array = isinstance(frame, np.ndarray)
    if not is_array or frame.dtype != np.uint8 or frame.shape[2:] != (3,):
        given = f'{frame.shape} {frame.dtype}' if is_array else repr(frame)
        raise UserError(f'frame must be (H, W, 3) uint8; got {given}.')
    if not np.isfinite(detections.xyxy).all():
        raise UserError(f'boxes must be finite; got {detections.xyxy}.')
    height, width = frame.shape[:2]
    # (n, 4): x1, y1, x2, y2
    corners = np.rint(detections.xyxy).clip(0, [width, height] * 2).astype(int)
    crops = [frame[y1:y2, x1:x2] for x1, y1, x2, y2 in corners]
    inside = np.array([crop.size > 0 for crop in crops], bool)
    found = extractor(
        [crop for crop in crops if crop.size], channel_order='bgr'
    )
    features = np.zeros((len(crops), found.shape[1]), np.float32)
    features[inside] = found
    return features
