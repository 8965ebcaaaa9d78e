"""ReIDEncoder: features as the package ``trackers`` asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmcion.apis.features import FeatureExtractor

from .embeddings import extract_embeddings

if TYPE_CHECKING:
    import supervision as sv


class ReIDEncoder:
    """Encoder of a tracker, around a ``FeatureExtractor``.

    The method is that of the ``ReIDEncoder`` protocol of ``trackers``
    (github.com/roboflow/trackers, pull request 511). Releases up to 2.6.1
    have no tracker that takes one; ``ReIDTracker`` does, around any of them.

    Args:
        extractor: Network and its pre-processing.
    """

    def __init__(self, extractor: FeatureExtractor) -> None:
        self.extractor = extractor

    def extract_features(
        self, detections: sv.Detections, frame: np.ndarray
    ) -> np.ndarray:
        """See ``extract_embeddings``."""
        return extract_embeddings(frame, detections, self.extractor)
