"""Level 2, short-range single-video denoising."""

from __future__ import annotations

import numpy as np

from mmcion.registry import DENOISERS
from mmcion.structures import (
    UNASSIGNED,
    FeatureStore,
    IdentityLabels,
    TrackletTable,
)

from .base_denoiser import BaseDenoiser, check_threshold
from .functional import consistent_rows
from .identity_groups import IdentityGroups


@DENOISERS.register_module()
class SingleVideoDenoiser(BaseDenoiser):
    """Re-allocate pooled images and merge identities within each video.

    Source: CION, short-range single-video denoising; the order of steps, the
    co-occurrence rule and ``max_loss`` are ours.

    Args:
        sigma: largest distance of an image to its identity's centroid.
        delta: identities nearer than this are one person.
        exclude_cooccurring: two boxes in one frame are two people.
        max_loss: a merge that would lose more than this share of the
            smaller identity's images is refused.
        max_rounds: most rounds of re-allocating and merging.
    """

    def __init__(
        self,
        sigma: float,
        delta: float,
        exclude_cooccurring: bool = True,
        max_loss: float = 0.5,
        max_rounds: int = 10,
    ) -> None:
        self.sigma = check_threshold('sigma', sigma)
        self.delta = check_threshold('delta', delta)
        self.exclude_cooccurring = exclude_cooccurring
        self.max_loss = max_loss
        self.max_rounds = max_rounds

    def __call__(
        self,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
    ) -> IdentityLabels:
        """Return labels in which no identity spans videos it did not span."""
        identity = labels.identity.copy()
        counts = np.zeros(2, np.int64)
        for start, stop in zip(
            table.video_ptr[:-1], table.video_ptr[1:], strict=True
        ):
            rows = slice(int(start), int(stop))
            if stop > start:
                new, done = self._one_video(
                    features[rows], table.frame[rows], identity[rows]
                )
                counts += done
                # -1 stays; ids of this video begin at its own first row
                identity[rows] = np.where(new < 0, UNASSIGNED, new + start)
        report = {
            'reallocated_images': int(counts[0]),
            'merges': int(counts[1]),
        }
        return IdentityLabels(identity.astype(np.int32), report).contiguous()

    def _one_video(
        self, feats: np.ndarray, frame: np.ndarray, identity: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        local = IdentityLabels(identity).contiguous().identity
        groups = IdentityGroups(feats, frame, local, self.exclude_cooccurring)
        counts = np.zeros(2, np.int64)
        for _ in range(self.max_rounds):
            moved = groups.reallocate(self.sigma)
            merged = self._merge(groups)
            counts += moved, merged
            if not moved and not merged:
                break
        return groups.identity, counts

    def _merge(self, groups: IdentityGroups) -> int:
        """Merge the closest pair until none is left; return the merges."""
        distance = 1 - groups.centroids @ groups.centroids.T
        for k in range(groups.num):
            distance[k, groups.forbidden_for(k)] = np.inf
        empty = ~groups.sums.any(1)
        distance[empty] = distance[:, empty] = np.inf
        np.fill_diagonal(distance, np.inf)
        merges = 0
        while groups.num:
            # symmetric, so the first of the closest pairs has a < b
            a, b = divmod(int(np.argmin(distance)), groups.num)
            if distance[a, b] >= self.delta:
                break
            kept = self._union(groups, a, b)
            if kept is None:
                distance[a, b] = distance[b, a] = np.inf
                continue
            groups.set_rows(b, np.zeros(0, np.int64))
            groups.set_rows(a, kept)
            merges += 1
            distance[b] = distance[:, b] = np.inf
            away = 1 - groups.centroids @ groups.centroids[a]
            away[groups.forbidden_for(a) | ~groups.sums.any(1)] = np.inf
            away[a] = np.inf
            distance[a] = distance[:, a] = away
        return merges

    def _union(
        self, groups: IdentityGroups, a: int, b: int
    ) -> np.ndarray | None:
        """Return the rows that a merge would keep, None if it is refused."""
        rows_a, rows_b = groups.rows(a), groups.rows(b)
        rows = np.union1d(rows_a, rows_b)
        kept = rows[consistent_rows(groups.feats[rows], self.sigma)]
        smaller = min(rows_a, rows_b, key=len)
        lost = 1 - np.isin(smaller, kept).mean()
        return None if lost > self.max_loss else kept
