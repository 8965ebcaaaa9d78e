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
    synchronised: bool = False,
) -> np.ndarray:
    """Give pooled rows to identities; return the new identities ``(N,)``.

    A row is proposed to the nearest identity that was seen in its video but
    not in its frame. Every identity accepts its proposals, nearest first, as
    long as it stays consistent (ours). Options: see ``SingleVideoDenoiser``
    and ``CrossVideoDenoiser``.
    """
    # rows without a feature stay pooled
    pooled = identity < 0
    pooled[features.unreadable] = False
    centroids = normalise(sum_features(features, identity, ranks))  # (K, D)

    def propose_in(first: int, last: int) -> Arrays:
        # n rows of the videos first:last
        start, stop = table.video_ptr[[first, last]].tolist()
        keys = frame_keys(table, slice(start, stop))
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
        old, new = (
            Csr(part.ptr, np.searchsorted(rows, part.values))
            for part in (old, new)
        )
        feats = features[rows]
        keys = frame_keys(table, rows, synchronised)
        accepted = accept(feats, keys, old, new, sigma, exclude_cooccurring)
        return {'accepted': accepted}

    work = members.ptr + proposals.ptr  # rows to read
    accepted = map_groups(ranks, 'accept', accept_in, work)['accepted']
    owner = np.repeat(busy, proposals.sizes)
    identity = identity.copy()
    identity[proposals.values[accepted]] = owner[accepted]
    return identity


def frame_keys(
    table: TrackletTable, rows: slice | np.ndarray, synchronised: bool = False
) -> np.ndarray:
    """Return one number per row, equal for rows of one frame of one video.

    Of synchronised videos it is equal for one frame of all.
    """
    frame = table.frame[rows]
    low = int(frame.min(initial=0))
    span = int(frame.max(initial=0)) - low + 1
    if synchronised:
        return frame - low
    return table.video_id[rows].astype(np.int64) * span + frame - low
