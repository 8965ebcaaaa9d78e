"""Re-allocation: pooled rows go to identities that were seen in their video.

This is the form for identities that may span videos. Within one video, while
identities merge, ``IdentityGroups`` does the same.
"""

from __future__ import annotations

import numpy as np

from mmcion.structures import FeatureStore, TrackletTable
from mmcion.utils.shards import Shards

from .functional import accept, csr, nearest_identity, normalise
from .grouped_rows import Arrays, GroupedRows, map_groups, sum_features


def reallocate(
    table: TrackletTable,
    features: FeatureStore,
    identity: np.ndarray,
    *,
    sigma: float,
    max_ratio: float,
    exclude_cooccurring: bool,
    shards: Shards,
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
        shards: How the work is shared and kept.

    Returns:
        The new identities ``(N,)``.
    """
    row, proposed_to = _propose(
        table, features, identity, sigma, max_ratio, exclude_cooccurring,
        shards,
    )  # fmt: skip
    members = GroupedRows(identity)
    # The B identities with a proposal accept independently of each other.
    busy, index = np.unique(proposed_to, return_inverse=True)
    ptr, proposed = csr(index, row, len(busy))  # (B + 1,), (m,)

    def accept_some(first: int, last: int) -> Arrays:
        old = [members[k] for k in busy[first:last]]
        old_ptr = np.cumsum([0, *map(len, old)])
        old_rows = np.concatenate([proposed[:0], *old])
        new_ptr = ptr[first : last + 1]
        new_rows = proposed[new_ptr[0] : new_ptr[-1]]
        # only the rows of this shard are read; CSRs hold positions in them
        rows = np.unique(np.concatenate((old_rows, new_rows)))
        accepted = accept(
            features[rows],
            _frame_keys(table, rows),
            (old_ptr, np.searchsorted(rows, old_rows)),
            (new_ptr - new_ptr[0], np.searchsorted(rows, new_rows)),
            sigma,
            exclude_cooccurring,
        )
        return {'accepted': accepted}

    work = ptr + np.append(0, np.cumsum(members.sizes[busy]))  # rows to read
    accepted = map_groups(shards, 'accept', accept_some, work)['accepted']
    new = identity.copy()
    new[proposed[accepted]] = np.repeat(busy, np.diff(ptr))[accepted]
    return new


def _propose(
    table: TrackletTable,
    features: FeatureStore,
    identity: np.ndarray,
    sigma: float,
    max_ratio: float,
    exclude_cooccurring: bool,
    shards: Shards,
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and identities of all proposals ``(m,)``, nearest first."""
    centroids = normalise(sum_features(features, identity, shards))  # (K, D)
    pooled = identity < 0
    pooled[features.unreadable] = False

    def propose(first: int, last: int) -> Arrays:
        # n rows of the videos first:last
        start, stop = table.video_ptr[[first, last]].tolist()
        ids = identity[start:stop]
        video = table.video_id[start:stop].astype(np.int64) - first
        keys = _frame_keys(table, slice(start, stop))
        _, frame = np.unique(keys, return_inverse=True)  # (n,) in 0..F-1
        pool = np.flatnonzero(pooled[start:stop])  # (P,)
        seen = np.flatnonzero(ids >= 0)
        candidates = np.unique(np.stack((video[seen], ids[seen])), axis=1)
        excluded = seen if exclude_cooccurring else seen[:0]
        nearest, distance, second = nearest_identity(
            features[start + pool],
            centroids,
            csr(candidates[0], candidates[1], last - first),
            video[pool],
            csr(frame[excluded], ids[excluded], len(ids)),
            frame[pool],
        )
        near = distance <= np.minimum(sigma, max_ratio * second)
        return {
            'row': start + pool[near],
            'identity': nearest[near],
            'distance': distance[near],
        }

    found = map_groups(shards, 'propose', propose, table.video_ptr)
    order = np.lexsort((found['row'], found['distance']))
    return found['row'][order], found['identity'][order]


def _frame_keys(table: TrackletTable, rows: slice | np.ndarray) -> np.ndarray:
    """Return one number per row, equal for rows of one frame of one video."""
    frame = table.frame[rows]
    low = int(frame.min(initial=0))
    span = int(frame.max(initial=0)) - low + 1
    return table.video_id[rows].astype(np.int64) * span + frame - low
