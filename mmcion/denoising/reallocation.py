"""Re-allocation: pooled rows go to identities that were seen in their video.

This is the form for identities that may span videos. Within one video, while
identities merge, ``IdentityGroups`` does the same.
"""

import numpy as np

from mmcion.structures import Csr, FeatureStore, TrackletTable
from mmcion.utils.rank_pool import RankPool

from .functional import accept, normalise, propose
from .grouped_rows import Arrays, map_groups, sum_features


def reallocate(
    table: TrackletTable,
    features: FeatureStore,
    identity: np.ndarray,
    *,
    sigma: float,
    max_ratio: float,
    exclude_cooccurring: bool,
    ranks: RankPool,
) -> np.ndarray:
    """Give pooled rows to identities, nearest first (ours).

    A row is proposed to the nearest identity that was seen in its video but
    not in its frame. Every identity accepts its proposals, nearest first, as
    long as it stays consistent.

    Args:
        table: N images.
        features: One row per image; ``features.unreadable`` stay pooled.
        identity: ``(N,)`` integers 0..K-1, -1 = pooled.
        sigma: Largest distance of a row to its identity's centroid.
        max_ratio: A row is proposed only if the nearest identity is at most
            this times as far as the second nearest.
        exclude_cooccurring: Whether two boxes in one frame are two
            identities.
        ranks: How the work is shared and kept.

    Returns:
        The new identities ``(N,)``.
    """
    pooled = identity < 0
    pooled[features.unreadable] = False
    centroids = normalise(sum_features(features, identity, ranks))  # (K, D)

    def propose_in(first: int, last: int) -> Arrays:
        # n rows of the videos first:last
        start, stop = table.video_ptr[[first, last]].tolist()
        keys = _frame_keys(table, slice(start, stop))
        pool = np.flatnonzero(pooled[start:stop])
        rows, ids, distance = propose(
            features[start + pool],
            pool,
            identity[start:stop],
            centroids,
            table.video_id[start:stop].astype(np.int64) - first,
            np.unique(keys, return_inverse=True)[1],  # from 0
            sigma=sigma,
            max_ratio=max_ratio,
            exclude_cooccurring=exclude_cooccurring,
        )
        return {'row': start + rows, 'identity': ids, 'distance': distance}

    found = map_groups(ranks, 'propose', propose_in, table.video_ptr)
    order = np.lexsort((found['row'], found['distance']))
    # The B identities with a proposal accept independently of each other.
    busy, index = np.unique(found['identity'][order], return_inverse=True)
    proposals = Csr.from_keys(index, found['row'][order], len(busy))
    members = Csr.from_identity(identity).take(busy)

    def accept_in(first: int, last: int) -> Arrays:
        old, new = members.slice(first, last), proposals.slice(first, last)
        # only the rows of this chunk are read, and numbered by position
        rows = np.unique(np.concatenate((old.values, new.values)))
        accepted = accept(
            features[rows],
            _frame_keys(table, rows),
            Csr(old.ptr, np.searchsorted(rows, old.values)),
            Csr(new.ptr, np.searchsorted(rows, new.values)),
            sigma,
            exclude_cooccurring,
        )
        return {'accepted': accepted}

    work = members.ptr + proposals.ptr  # rows to read
    accepted = map_groups(ranks, 'accept', accept_in, work)['accepted']
    owner = np.repeat(busy, proposals.sizes)
    identity = identity.copy()
    identity[proposals.values[accepted]] = owner[accepted]
    return identity


def _frame_keys(table: TrackletTable, rows: slice | np.ndarray) -> np.ndarray:
    """Return one number per row, equal for rows of one frame of one video."""
    frame = table.frame[rows]
    low = int(frame.min(initial=0))
    span = int(frame.max(initial=0)) - low + 1
    return table.video_id[rows].astype(np.int64) * span + frame - low
