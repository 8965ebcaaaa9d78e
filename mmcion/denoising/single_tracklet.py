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

from .base_denoiser import BaseDenoiser, check_count, check_threshold
from .functional import consistent_groups
from .grouped_rows import GroupedRows, cut


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
        self.min_images = check_count('min_images', min_images)

    def __call__(
        self,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
        seed: int = 0,
    ) -> IdentityLabels:
        """Return labels in which every identity is consistent."""
        groups = GroupedRows(labels.identity)

        def one(part: tuple[int, int]) -> dict[str, np.ndarray]:
            ptr = groups.ptr[part[0] : part[1] + 1]
            rows = groups.rows[ptr[0] : ptr[-1]]
            feats = features[rows]
            return {'keep': consistent_groups(feats, ptr - ptr[0], self.sigma)}

        parts = cut(groups.ptr)
        sizes = [groups.ptr[b] - groups.ptr[a] for a, b in parts]
        kept = self.shards.map('consistency', one, parts, sizes=sizes)
        keep = np.concatenate([np.zeros(0, bool), *(k['keep'] for k in kept)])
        owner = np.repeat(np.arange(len(groups)), groups.sizes)
        left = np.bincount(owner[keep], minlength=len(groups))
        small = left < self.min_images
        keep &= ~small[owner]
        identity = labels.identity.copy()
        identity[groups.rows[~keep]] = UNASSIGNED
        report = {
            'removed_images': int((~keep).sum()),
            'dissolved_identities': int((small & (groups.sizes > 0)).sum()),
        }
        return IdentityLabels(identity.astype(np.int32), report).contiguous()
