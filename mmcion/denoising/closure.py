from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mmcion.registry import DENOISERS
from mmcion.structures import (
    UNASSIGNED,
    Csr,
    FeatureStore,
    IdentityLabels,
    TrackletTable,
)
from mmcion.utils.checks import check_at_least, check_choice, check_interval

from .base_denoiser import BaseDenoiser
from .functional import (
    TIE,
    near_pairs,
    nearest_identity,
    normalise,
)
from .grouped_rows import Arrays, add_features, map_groups, sum_features
from .link_calibration import LinkDelta, resolve_link_delta


@DENOISERS.register_module()
class ClosureDenoiser(BaseDenoiser):
    """Levels 2 and 3 of the paper: re-allocate once, join all that is near.

    Source: CION. *Short-range single-video denoising* (Eq. 5, 6) is
    ``sigma``, ``delta`` and ``within_video=True``; *long-range cross-video
    denoising* (Eq. 7) is ``delta`` and ``half_width``. The same authors'
    earlier filter (PLIP, appendix A.7.2, steps 2 to 4) is ``sigma``,
    ``delta`` and ``half_width=2``.

    1. If ``sigma`` is given, every image without an identity goes to the
       nearest centroid in range, of all identities but its own tracklet's, if
       that is nearer than ``sigma``. One pass: the centroids stay those of
       before.
    2. All pairs of identities in range that are nearer than ``delta`` are
       linked, by their centroids after step 1. What links connect, through
       others too, is one identity.

    The order of identities, in which ``half_width`` counts, is that of their
    numbers: (video, tracklet), and a joined identity takes the place of its
    first. This level keeps that order, while others number identities by
    their first image. Of centroids equally near the first is taken. An
    identity that spans videos counts for that of its first image (all ours).

    Args:
        delta: Identities nearer than this are linked; None links nobody.
            ``'auto'`` between videos: see ``calibrate_links`` (ours).
        sigma: Images nearer than this are re-allocated; None skips step 1.
        within_video: Whether only what is in one video is in range.
        half_width: Largest number of places between what is in range, CION's
            sliding range centred on every identity; None is no limit (ours).
        false_discovery_rate: As in ``CrossVideoDenoiser``.
    """

    def __init__(
        self,
        delta: LinkDelta,
        sigma: float | None = None,
        within_video: bool = False,
        half_width: int | None = None,
        false_discovery_rate: float = 0.4,
    ) -> None:
        for name, value in (('delta', delta), ('sigma', sigma)):
            if value not in ('auto', None):
                check_interval('(0, 2]', **{name: value})
        check_interval('(0, 1)', false_discovery_rate=false_discovery_rate)
        check_choice('within_video', within_video, (True, False))
        if half_width is not None:
            check_at_least(1, half_width=half_width)
        self.delta = delta
        self.sigma = sigma
        self.within_video = within_video
        self.half_width = half_width
        self.false_discovery_rate = false_discovery_rate

    @classmethod
    def calibrated_by(cls, stage: dict[str, Any]) -> dict[str, str | None]:
        """Return what ``'auto'`` becomes: ``delta`` depends on the range."""
        within = stage.get('within_video', False)
        return {'sigma': 'sigma', 'delta': 'delta' if within else None}

    def __call__(
        self,
        table: TrackletTable,
        features: FeatureStore,
        labels: IdentityLabels,
        seed: int = 0,
    ) -> IdentityLabels:
        """Return labels in the order of (video, tracklet)."""
        identity = labels.compact().identity  # (N,) in 0..K-1
        sums = sum_features(features, identity, self.ranks)  # (K, D)
        rows = np.flatnonzero(identity >= 0)
        first_row = np.full(len(sums), len(table))
        np.minimum.at(first_row, identity[rows], rows)
        group = None  # (K,) what is in range of each other, at most
        if self.within_video:
            group = table.video_id[first_row].astype(np.int64)
        report: dict[str, Any] = {}
        if self.sigma is not None:
            rows, ids = self._reallocate(
                table, features, identity, normalise(sums), first_row, group
            )
            identity[rows] = ids
            add_features(sums, features, rows, ids)
            report['reallocated_images'] = len(rows)

        centroids = normalise(sums)
        delta, evidence = resolve_link_delta(
            self.delta,
            table,
            features,
            IdentityLabels(identity),
            centroids,
            false_discovery_rate=self.false_discovery_rate,
            ranks=self.ranks,
        )
        report |= evidence
        first = second = np.zeros(0, np.int64)  # (m,) links
        if delta is not None:
            first, second, _ = near_pairs(
                centroids,
                delta,
                group=group,
                same_group=self.within_video,
                half_width=self.half_width,
                ranks=self.ranks,
            )
        linked = np.ones(len(first), bool)
        links = coo_array((linked, (first, second)), shape=2 * (len(sums),))
        num, closure = connected_components(links, directed=False)
        report |= {'links': len(first), 'merges': len(sums) - num}
        # (K + 1,) first member of every identity's group; the last is for -1
        _, first_member = np.unique(closure, return_index=True)
        joined = np.append(first_member[closure], UNASSIGNED)
        return IdentityLabels(joined[identity], report).compact()

    def _reallocate(
        self,
        table: TrackletTable,
        features: FeatureStore,
        identity: np.ndarray,
        centroids: np.ndarray,
        first_row: np.ndarray,
        group: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that are re-allocated and their new identities."""
        sigma, num = self.sigma, max(len(centroids), 1)
        assert sigma is not None
        width = num if self.half_width is None else self.half_width
        pooled = identity < 0
        pooled[features.unreadable] = False
        # Identities in the order of (group, number), so that those in range
        # of a row are one piece of the list; (K,) group * num + number.
        order = np.arange(len(centroids))
        if group is not None:
            order = np.sort(group * num + order)
        candidates = order % num
        begins = np.sort(first_row)

        def propose_in(first: int, last: int) -> Arrays:
            # n rows of the videos first:last, of tracklets numbered from 0
            start, stop = table.video_ptr[[first, last]].tolist()
            tracklet = table.tracklet_index[start:stop].astype(np.int64)
            local = tracklet - tracklet[:1]
            # (T,) identities with images of each tracklet, in order
            seen = np.flatnonzero(identity[start:stop] >= 0)
            pairs = np.unique(local[seen] * num + identity[start:stop][seen])
            size = int(local.max(initial=-1)) + 1
            own = Csr.from_keys(pairs // num, pairs % num, size)

            pool = np.flatnonzero(pooled[start:stop])  # (P,)
            key = local[pool]
            # a tracklet without identity has the place of the next one
            place = np.searchsorted(begins, table.tracklet_ptr[tracklet[pool]])
            has_own = own.sizes[key] > 0
            place[has_own] = own.values[own.ptr[key[has_own]]]
            base = 0
            if group is not None:
                base = table.video_id[start + pool].astype(np.int64) * num
            low = np.maximum(place - width, 0)
            high = np.minimum(place + width + 1, num)
            ids, distance, _ = nearest_identity(
                features[start + pool],
                centroids,
                candidates,
                np.searchsorted(order, base + low),
                np.searchsorted(order, base + high),
                own,
                key,
            )
            near = distance < sigma - TIE
            return {'row': start + pool[near], 'identity': ids[near]}

        found = map_groups(
            self.ranks, 'reallocate', propose_in, table.video_ptr
        )
        return found['row'], found['identity']
