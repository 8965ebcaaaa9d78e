"""Level 3, long-range cross-video denoising."""

from __future__ import annotations

import numpy as np

from mmcion.registry import DENOISERS
from mmcion.structures import (
    UNASSIGNED,
    FeatureStore,
    IdentityLabels,
    TrackletTable,
)

from .base_denoiser import (
    BaseDenoiser,
    check_threshold,
    group_rows,
    sum_features,
)
from .functional import near_pairs, normalise
from .identity_groups import IdentityGroups
from .single_tracklet import SingleTrackletDenoiser


@DENOISERS.register_module()
class CrossVideoDenoiser(BaseDenoiser):
    """Link identities of different videos that are one person.

    Source: CION, long-range cross-video denoising with a sliding range and
    linking relations. Ours: links are taken in order of distance and guarded
    by ``max_spread`` and co-occurrence, since a plain closure of the links
    chains different people together.

    Args:
        delta: identities of two videos nearer than this are linked.
        max_spread: largest distance of a member identity's centroid to the
            centroid of the group it is linked into.
        sigma: level 1 runs on the merged identities with this radius.
        range_size: identities in the sliding range; None compares all.
        stride: how far the range moves; half of ``range_size`` if None.
        exclude_cooccurring: two boxes in one frame are two people.
        min_images: as in ``SingleTrackletDenoiser``.
    """

    def __init__(
        self,
        delta: float,
        max_spread: float,
        sigma: float,
        range_size: int | None = None,
        stride: int | None = None,
        exclude_cooccurring: bool = True,
        min_images: int = 2,
    ) -> None:
        self.delta = check_threshold('delta', delta)
        self.max_spread = check_threshold('max_spread', max_spread)
        self.sigma = check_threshold('sigma', sigma)
        self.range_size = range_size
        if range_size is not None and stride is None:
            stride = max(range_size // 2, 1)
        self.stride = stride
        self.exclude_cooccurring = exclude_cooccurring
        self.level1 = SingleTrackletDenoiser(sigma, min_images)

    def __call__(
        self,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
    ) -> IdentityLabels:
        """Return labels whose identities may span videos."""
        identity = labels.contiguous().identity
        groups, counts = self._link(table, features, identity)
        merged = (
            np.where(
                identity >= 0, groups[np.maximum(identity, 0)], UNASSIGNED
            )
            if len(groups)
            else identity
        )
        pooled_before = merged < 0
        result = self.level1(
            table, features, IdentityLabels(merged.astype(np.int32))
        )
        fallen = (result.identity < 0) & ~pooled_before
        moved = self._reallocate(table, features, result.identity)
        report = {
            **counts,
            'removed_images': int(fallen.sum()),
            'reallocated_images': moved,
        }
        return IdentityLabels(result.identity, report).contiguous()

    def _link(
        self,
        table: TrackletTable,
        features: FeatureStore,
        identity: np.ndarray,
    ) -> tuple[np.ndarray, dict[str, int]]:
        """Return the group of every identity ``(K,)``, and counts."""
        rows = group_rows(identity)
        sums = sum_features(features, identity)
        video = np.array([table.video_id[r[0]] for r in rows], np.int64)
        first, second, _ = near_pairs(
            normalise(sums),
            self.delta,
            group=video,
            range_size=self.range_size,
            stride=self.stride,
        )
        forest = _GuardedForest(
            sums,
            [_moments(table, r) for r in rows],
            self.max_spread,
            self.exclude_cooccurring,
        )
        taken = sum(
            forest.join(int(a), int(b))
            for a, b in zip(first, second, strict=True)
        )
        counts = {
            'links': len(first),
            'merges': taken,
            'refused_spread': forest.refused_spread,
            'refused_cooccurring': forest.refused_cooccurring,
        }
        return forest.group, counts

    def _reallocate(
        self,
        table: TrackletTable,
        features: FeatureStore,
        identity: np.ndarray,
    ) -> int:
        """Give each video's pool to identities seen in that video (ours)."""
        moved = 0
        for start, stop in zip(
            table.video_ptr[:-1], table.video_ptr[1:], strict=True
        ):
            inside = np.arange(start, stop)
            pool = inside[identity[inside] < 0]
            here = np.unique(identity[inside[identity[inside] >= 0]])
            if not len(pool) or not len(here):
                continue
            rows = np.union1d(np.flatnonzero(np.isin(identity, here)), pool)
            local = np.searchsorted(here, identity[rows])
            local[identity[rows] < 0] = -1
            moments = _moments(table, rows)
            groups = IdentityGroups(
                features[rows], moments, local, self.exclude_cooccurring
            )
            moved += groups.reallocate(self.sigma)
            found = groups.identity
            identity[rows] = np.where(found < 0, UNASSIGNED, here[found])
        return moved


def _moments(table: TrackletTable, rows: np.ndarray) -> np.ndarray:
    """Return one number per row, equal for one frame of one video."""
    span = int(table.frame.max(initial=0)) + 1
    return table.video_id[rows].astype(np.int64) * span + table.frame[rows]


class _GuardedForest:
    """Groups of identities that refuse links which spread too far."""

    def __init__(
        self,
        sums: np.ndarray,
        moments: list[np.ndarray],
        max_spread: float,
        exclude_cooccurring: bool,
    ) -> None:
        self.group = np.arange(len(sums))
        self.refused_spread = self.refused_cooccurring = 0
        self._centroids = normalise(sums)
        self._sums = sums.copy()
        self._members = {k: [k] for k in range(len(sums))}
        self._moments = dict(enumerate(moments))
        self._max_spread = max_spread
        self._exclude = exclude_cooccurring

    def join(self, first: int, second: int) -> bool:
        """Join the groups of two identities unless a guard refuses."""
        a, b = sorted((int(self.group[first]), int(self.group[second])))
        if a == b:
            return False
        shared = np.intersect1d(self._moments[a], self._moments[b])
        if self._exclude and len(shared):
            self.refused_cooccurring += 1
            return False
        members = self._members[a] + self._members[b]
        center = normalise(self._sums[a] + self._sums[b])
        if (1 - self._centroids[members] @ center).max() > self._max_spread:
            self.refused_spread += 1
            return False
        self._sums[a] += self._sums[b]
        self._members[a] = members
        self._moments[a] = np.union1d(self._moments[a], self._moments.pop(b))
        self.group[self._members.pop(b)] = a
        return True
