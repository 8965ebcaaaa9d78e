"""Level 1, single-tracklet denoising."""

from __future__ import annotations

import numpy as np

from mmcion.registry import DENOISERS
from mmcion.structures import (
    UNASSIGNED,
    FeatureStore,
    IdentityLabels,
    TrackletTable,
)

from .base_denoiser import BaseDenoiser, check_threshold, group_rows
from .functional import consistent_rows


@DENOISERS.register_module()
class SingleTrackletDenoiser(BaseDenoiser):
    """Drop images that disagree with the rest of their tracklet.

    Source: CION, single-tracklet denoising. Per identity the farthest image
    is removed until all lie within ``sigma`` of the centroid.

    Args:
        sigma: largest distance to the centroid, in (0, 2].
        min_images: an identity left with fewer images is dissolved (ours).
    """

    def __init__(self, sigma: float, min_images: int = 2) -> None:
        self.sigma = check_threshold('sigma', sigma)
        self.min_images = min_images

    def __call__(
        self,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
    ) -> IdentityLabels:
        """Return labels in which every identity is consistent."""
        identity = labels.identity.copy()
        removed = dissolved = 0
        for rows in group_rows(identity):
            keep = consistent_rows(features[rows], self.sigma)
            if len(rows) > 0 and keep.sum() < self.min_images:
                dissolved += 1
                keep[:] = False
            removed += int((~keep).sum())
            identity[rows[~keep]] = UNASSIGNED
        report = {
            'removed_images': removed,
            'dissolved_identities': dissolved,
        }
        return IdentityLabels(identity.astype(np.int32), report).contiguous()
