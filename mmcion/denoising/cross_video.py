from typing import Any, ClassVar

import numpy as np

from mmcion.registry import DENOISERS
from mmcion.structures import (
    UNASSIGNED,
    Csr,
    FeatureStore,
    IdentityLabels,
    TrackletTable,
    cooccurring_pairs,
)
from mmcion.utils.checks import check_at_least, check_choice, check_interval

from .base_denoiser import BaseDenoiser
from .constrained_union_find import ConstrainedUnionFind
from .functional import near_pairs, normalise, one_box_per_frame
from .grouped_rows import sum_features
from .link_calibration import LinkDelta, resolve_link_delta
from .reallocation import frame_keys, reallocate
from .single_tracklet import SingleTrackletDenoiser

# Links that the report shows, and images of each of their two identities.
_REPORTED_LINKS, _REPORTED_ROWS = 24, 4


@DENOISERS.register_module()
class CrossVideoDenoiser(BaseDenoiser):
    """Level 3: link identities of different videos that are one identity.

    Source: CION, long-range cross-video denoising with a sliding range and
    linking relations. Ours: links are tried in order of distance and guarded
    by ``max_spread`` and co-occurrence, see ``ConstrainedUnionFind``.

    Args:
        delta: Identities of two videos nearer than this are linked; none are
            if it is None. ``'auto'`` calibrates it on the identities that the
            level gets, see ``calibrate_links`` (ours).
        max_spread: Largest distance of a member identity's centroid to the
            centroid of the group it is linked into.
        sigma: Level 1 runs on the merged identities with this radius, and
            removed images are re-allocated once more; None does neither.
        half_width: Largest number of places between identities that are
            compared, in the order of their first images; None compares all.
        exclude_cooccurring: Whether two boxes in one frame are two
            identities.
        min_shared_frames: As in ``SingleVideoDenoiser``.
        synchronised: Whether that holds for one frame of two videos, too:
            cameras on one clock whose views do not overlap (ours).
        max_ratio: As in ``SingleVideoDenoiser``, for the pool that is
            re-allocated at the end.
        min_images: As in ``SingleTrackletDenoiser``.
        false_discovery_rate: Of the links at ``delta='auto'``, the largest
            fraction that is expected to be false.
    """

    calibrated: ClassVar[dict[str, str | None]] = {
        **BaseDenoiser.calibrated,
        'delta': None,
    }

    def __init__(
        self,
        delta: LinkDelta,
        max_spread: float,
        sigma: float | None,
        half_width: int | None = None,
        exclude_cooccurring: bool = True,
        max_ratio: float = 0.64,
        min_images: int = 2,
        false_discovery_rate: float = 0.4,
        synchronised: bool = False,
        min_shared_frames: int = 1,
    ) -> None:
        if delta not in ('auto', None):
            check_interval('(0, 2]', delta=delta)
        check_interval('(0, 2]', max_spread=max_spread)
        check_interval('(0, 1)', false_discovery_rate=false_discovery_rate)
        check_interval('[0, 1]', max_ratio=max_ratio)
        check_choice('exclude_cooccurring', exclude_cooccurring, (True, False))
        check_choice('synchronised', synchronised, (True, False))
        check_at_least(1, min_shared_frames=min_shared_frames)
        if half_width is not None:
            check_at_least(1, half_width=half_width)
        self.delta = delta
        self.max_spread = max_spread
        self.half_width = half_width
        self.exclude_cooccurring = exclude_cooccurring
        self.max_ratio = max_ratio
        self.false_discovery_rate = false_discovery_rate
        self.synchronised = synchronised
        self.min_shared_frames = min_shared_frames
        self.level1 = None
        if sigma is not None:
            self.level1 = SingleTrackletDenoiser(sigma, min_images)

    def __call__(
        self,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
        seed: int = 0,
    ) -> IdentityLabels:
        """Return labels whose identities may span videos.

        They stay as they are if no distance is near enough for links.
        """
        identity = labels.contiguous().identity  # (N,) in 0..K-1
        sums = sum_features(features, identity, self.ranks)  # (K, D)
        delta, evidence = resolve_link_delta(
            self.delta,
            table,
            features,
            IdentityLabels(identity),
            normalise(sums),
            false_discovery_rate=self.false_discovery_rate,
            synchronised=self.synchronised,
            ranks=self.ranks,
        )
        if delta is None:
            return IdentityLabels(
                identity, {'links': 0, 'merges': 0, **evidence}
            )
        # Linked identities get the number of their group: (K,) -> (N,).
        group, report = self._link(table, sums, identity, delta)
        report |= evidence
        linked = identity.copy()
        linked[identity >= 0] = group[identity[identity >= 0]]
        if self.exclude_cooccurring and self.min_shared_frames > 1:
            report['doubled_images'] = self._drop_doubles(
                table, features, identity, linked
            )
        if self.level1 is None:
            return IdentityLabels(linked, report).contiguous()

        # A false link puts images far from the merged centroid.
        self.level1.ranks = self.ranks
        cleaned = self.level1(table, features, IdentityLabels(linked))

        # Merged identities have new centroids: pooled images try again.
        found = reallocate(
            table,
            features,
            cleaned.identity,
            sigma=self.level1.sigma,
            max_ratio=self.max_ratio,
            exclude_cooccurring=self.exclude_cooccurring,
            synchronised=self.synchronised,
            ranks=self.ranks,
        )
        moved = int((found != cleaned.identity).sum())
        report |= cleaned.report | {'reallocated_images': moved}
        return IdentityLabels(found, report).contiguous()

    def _link(
        self,
        table: TrackletTable,
        sums: np.ndarray,
        identity: np.ndarray,
        delta: float,
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the group of every identity ``(K,)``, and the report."""
        members = Csr.from_identity(identity)
        # (m,) links, nearest first. Identities lie in one video each, as a
        # rule; one that spans several counts for its first.
        first, second, distance = near_pairs(
            normalise(sums),
            delta,
            group=table.video_id[members.values[members.ptr[:-1]]],
            half_width=self.half_width,
            ranks=self.ranks,
        )
        cooccurring = first[:0], first[:0]
        if self.exclude_cooccurring:
            cooccurring = cooccurring_pairs(
                table,
                identity,
                min_frames=self.min_shared_frames,
                synchronised=self.synchronised,
            )
        groups = ConstrainedUnionFind(sums, cooccurring, self.max_spread)
        links = zip(first.tolist(), second.tolist(), strict=True)
        accepted = np.flatnonzero([groups.join(a, b) for a, b in links])
        report = {
            'links': len(first),
            'merges': len(accepted),
            'refused_spread': groups.refused_spread,
            'refused_cooccurring': groups.refused_cooccurring,
            # the longest first: where a mistake is most likely
            'doubtful_links': [
                {
                    'distance': float(distance[link]),
                    'delta': delta,
                    'first': _sample(members.get(first[link])),
                    'second': _sample(members.get(second[link])),
                }
                for link in accepted[::-1][:_REPORTED_LINKS]
            ],
        }
        return groups.group, report

    def _drop_doubles(
        self,
        table: TrackletTable,
        features: FeatureStore,
        identity: np.ndarray,
        linked: np.ndarray,
    ) -> int:
        """Pool rows of ``linked`` until no identity has two in one frame.

        Returns their number.
        """
        first, second = cooccurring_pairs(
            table, identity, synchronised=self.synchronised
        )
        # (K,) group of every identity, that of any of its rows
        group = np.zeros(int(identity.max(initial=-1)) + 1, np.int64)
        group[identity[identity >= 0]] = linked[identity >= 0]
        doubled = group[first[group[first] == group[second]]]
        members, dropped = Csr.from_identity(linked), 0
        for k in np.unique(doubled):
            rows = members.get(k)
            keep = one_box_per_frame(
                features[rows],
                frame_keys(table, rows, self.synchronised),
                table.tracklet_index[rows],
            )
            linked[rows[~keep]] = UNASSIGNED
            dropped += int((~keep).sum())
        return dropped


def _sample(rows: np.ndarray) -> list[int]:
    """Return up to ``_REPORTED_ROWS`` rows, spread evenly."""
    index = np.linspace(0, len(rows) - 1, min(len(rows), _REPORTED_ROWS))
    return rows[index.round().astype(int)].tolist()
