"""Level 3, long-range cross-video denoising."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from mmcion.registry import DENOISERS
from mmcion.structures import (
    UNASSIGNED,
    FeatureStore,
    IdentityLabels,
    TrackletTable,
    cooccurring_pairs,
)

from .base_denoiser import (
    BaseDenoiser,
    check_count,
    check_flag,
    check_share,
    check_threshold,
)
from .functional import (
    admit,
    check_range,
    csr,
    near_pairs,
    nearest_identity,
    normalise,
)
from .grouped_rows import GroupedRows, cut, sum_features
from .guarded_forest import GuardedForest
from .single_tracklet import SingleTrackletDenoiser

_REPORTED_LINKS, _REPORTED_ROWS = 24, 4


@DENOISERS.register_module()
class CrossVideoDenoiser(BaseDenoiser):
    """Link identities of different videos that are one person.

    Source: CION, long-range cross-video denoising with a sliding range and
    linking relations. Ours: links are taken in order of distance and guarded
    by ``max_spread`` and co-occurrence, see ``GuardedForest``.

    Args:
        delta: identities of two videos nearer than this are linked.
        max_spread: largest distance of a member identity's centroid to the
            centroid of the group it is linked into.
        sigma: level 1 runs on the merged identities with this radius.
        range_size: identities in the sliding range; None compares all.
        stride: how far the range moves; half of ``range_size`` if None.
        exclude_cooccurring: two boxes in one frame are two people.
        max_ratio: as in ``SingleVideoDenoiser``, for the pool that is
            re-allocated at the end.
        min_images: as in ``SingleTrackletDenoiser``.
    """

    calibrated: ClassVar[dict[str, str]] = {
        **BaseDenoiser.calibrated,
        'delta': 'link_delta',
    }

    def __init__(
        self,
        delta: float,
        max_spread: float,
        sigma: float,
        range_size: int | None = None,
        stride: int | None = None,
        exclude_cooccurring: bool = True,
        max_ratio: float = 0.64,
        min_images: int = 2,
    ) -> None:
        self.delta = check_threshold('delta', delta)
        self.max_spread = check_threshold('max_spread', max_spread)
        self.sigma = check_threshold('sigma', sigma)
        if range_size is not None and stride is None:
            stride = max(check_count('range_size', range_size) // 2, 1)
        check_range(range_size, stride)
        self.range_size = range_size
        self.stride = stride
        self.exclude_cooccurring = check_flag(
            'exclude_cooccurring', exclude_cooccurring
        )
        self.max_ratio = check_share('max_ratio', max_ratio)
        self.level1 = SingleTrackletDenoiser(sigma, min_images)

    def __call__(
        self,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
        seed: int = 0,
    ) -> IdentityLabels:
        """Return labels whose identities may span videos."""
        identity = labels.contiguous().identity
        group, report = self._link(table, features, identity)
        merged = identity.copy()
        merged[identity >= 0] = group[identity[identity >= 0]]
        self.level1.shards = self.shards
        result = self.level1(table, features, IdentityLabels(merged))
        report.update(result.report)
        asks = self._ask(table, features, result.identity)
        moved = self._admit(table, features, result.identity, *asks)
        found = result.identity.copy()
        found[moved >= 0] = moved[moved >= 0]
        report['reallocated_images'] = int((moved >= 0).sum())
        return IdentityLabels(found, report).contiguous()

    def _link(
        self,
        table: TrackletTable,
        features: FeatureStore,
        identity: np.ndarray,
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the group of every identity ``(K,)``, and the report."""
        sums = sum_features(features, identity, self.shards)
        groups = GroupedRows(identity)
        first, second, distance = near_pairs(
            normalise(sums),
            self.delta,
            group=table.video_id[groups.rows[groups.ptr[:-1]]],
            range_size=self.range_size,
            stride=self.stride,
            shards=self.shards,
        )
        rivals = (
            cooccurring_pairs(table, identity)
            if self.exclude_cooccurring
            else (first[:0], first[:0])
        )
        forest = GuardedForest(sums, rivals, self.max_spread)
        taken = np.array(
            [
                forest.join(a, b)
                for a, b in zip(first.tolist(), second.tolist(), strict=True)
            ],
            bool,
        )
        doubtful = np.flatnonzero(taken)[::-1][:_REPORTED_LINKS]
        report = {
            'links': len(first),
            'merges': int(taken.sum()),
            'refused_spread': forest.refused_spread,
            'refused_cooccurring': forest.refused_cooccurring,
            'doubtful_links': [
                {
                    'distance': float(distance[link]),
                    'first': _some(groups[first[link]]),
                    'second': _some(groups[second[link]]),
                }
                for link in doubtful
            ],
        }
        return forest.group, report

    def _ask(
        self,
        table: TrackletTable,
        features: FeatureStore,
        identity: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find whom every pooled row asks: an identity seen in its video.

        Returns:
            Rows and identities, nearest first.
        """
        sums = sum_features(features, identity, self.shards)
        centroids = normalise(sums)
        usable = np.ones(len(table), bool)
        usable[features.unreadable] = False

        def one(part: tuple[int, int]) -> dict[str, np.ndarray]:
            videos = slice(part[0], part[1])
            start = int(table.video_ptr[part[0]])
            rows = np.arange(start, int(table.video_ptr[part[1]]))
            here = identity[rows]
            pool = rows[(here < 0) & usable[rows]]
            seen = rows[here >= 0]
            _, moment = np.unique(_moments(table, rows), return_inverse=True)
            place = table.video_id[rows] - part[0]
            known = np.unique(
                np.stack((place[seen - start], identity[seen])), axis=1
            )
            forbidden = seen if self.exclude_cooccurring else seen[:0]
            nearest, distance, second = nearest_identity(
                features[pool],
                centroids,
                csr(known[0], known[1], videos.stop - videos.start),
                place[pool - start],
                csr(moment[forbidden - start], identity[forbidden], len(rows)),
                moment[pool - start],
            )
            asks = distance <= np.minimum(self.sigma, self.max_ratio * second)
            return {
                'row': pool[asks],
                'identity': nearest[asks],
                'distance': distance[asks],
            }

        parts = cut(table.video_ptr)
        sizes = [table.video_ptr[b] - table.video_ptr[a] for a, b in parts]
        done = self.shards.map('pool', one, parts, sizes=sizes)
        row, wanted, distance = (
            np.concatenate([np.zeros(0), *(part[name] for part in done)])
            for name in ('row', 'identity', 'distance')
        )
        order = np.lexsort((row, distance))
        return row[order].astype(np.int64), wanted[order].astype(np.int64)

    def _admit(
        self,
        table: TrackletTable,
        features: FeatureStore,
        identity: np.ndarray,
        asking: np.ndarray,
        wanted: np.ndarray,
    ) -> np.ndarray:
        """Return the identity that takes each row ``(N,)``, -1 if none."""
        members = GroupedRows(identity)
        ask_ptr, ask_rows = csr(wanted, asking, len(members))
        busy = np.flatnonzero(np.diff(ask_ptr))
        load = members.sizes[busy] + np.diff(ask_ptr)[busy]
        load_ptr = np.concatenate(([0], np.cumsum(load)))

        def one(part: tuple[int, int]) -> dict[str, np.ndarray]:
            old, new = [], []
            for k in busy[part[0] : part[1]].tolist():
                old.append(members[k])
                new.append(ask_rows[ask_ptr[k] : ask_ptr[k + 1]])
            rows = np.unique(np.concatenate(old + new))
            taken = admit(
                features[rows],
                _moments(table, rows),
                _local(old, rows),
                _local(new, rows),
                self.sigma,
                self.exclude_cooccurring,
            )
            return {'row': np.concatenate(new)[taken]}

        parts = cut(load_ptr)
        sizes = [load_ptr[b] - load_ptr[a] for a, b in parts]
        done = self.shards.map('admission', one, parts, sizes=sizes)
        target = np.full(len(identity), UNASSIGNED, np.int32)
        target[asking] = wanted
        found = np.full(len(identity), UNASSIGNED, np.int32)
        for part in done:
            found[part['row']] = target[part['row']]
        return found


def _moments(table: TrackletTable, rows: np.ndarray) -> np.ndarray:
    """Return one number per row, equal for one frame of one video."""
    frame = table.frame[rows]
    low = int(frame.min(initial=0))
    span = int(frame.max(initial=0)) - low + 1
    return table.video_id[rows].astype(np.int64) * span + frame - low


def _local(
    groups: list[np.ndarray], rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return groups of rows as CSR of their places in sorted ``rows``."""
    ptr = np.cumsum([0, *(len(group) for group in groups)])
    return ptr, np.searchsorted(rows, np.concatenate(groups))


def _some(rows: np.ndarray) -> list[int]:
    """Return a few rows, spread evenly."""
    places = np.linspace(0, len(rows) - 1, min(len(rows), _REPORTED_ROWS))
    return rows[places.round().astype(int)].tolist()
