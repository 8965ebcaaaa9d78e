"""Rows by identity, and passes over the features in shards."""

from __future__ import annotations

import numpy as np

from mmcion.structures import FeatureStore
from mmcion.utils.shards import Shards

from .functional import add_rows, centroid_distance

SHARD_ROWS = 1 << 15


class GroupedRows:
    """The rows of every identity, one identity after the other.

    Attributes:
        rows: ``(n,)`` assigned rows by identity, in order within each.
        ptr: ``(K + 1,)``; identity k owns ``rows[ptr[k]:ptr[k + 1]]``.
    """

    def __init__(self, identity: np.ndarray) -> None:
        order = np.argsort(identity, kind='stable')
        pooled = int((identity < 0).sum())
        self.rows = order[pooled:]
        num = int(identity.max(initial=-1)) + 1
        self.ptr = np.searchsorted(identity[self.rows], np.arange(num + 1))

    def __len__(self) -> int:
        return len(self.ptr) - 1

    def __getitem__(self, k: int) -> np.ndarray:
        return self.rows[self.ptr[k] : self.ptr[k + 1]]

    @property
    def sizes(self) -> np.ndarray:
        """``(K,)`` rows of every identity."""
        return np.diff(self.ptr)


def cut(ptr: np.ndarray, size: int | None = None) -> list[tuple[int, int]]:
    """Cut groups into runs of at least ``size`` rows.

    Args:
        ptr: ``(G + 1,)`` pointers of the groups.
        size: a run ends with the group that reaches it; None is
            ``SHARD_ROWS``.

    Returns:
        First group and one past the last group of every run.
    """
    size = SHARD_ROWS if size is None else size
    runs, first = [], 0
    while first < len(ptr) - 1:
        last = int(np.searchsorted(ptr, ptr[first] + size))
        last = min(last, len(ptr) - 1)
        runs.append((first, last))
        first = last
    return runs


def row_ranges(rows: int, size: int | None = None) -> list[tuple[int, int]]:
    """Cut ``rows`` rows into ranges of ``size``; None is ``SHARD_ROWS``."""
    size = SHARD_ROWS if size is None else size
    return [(start, min(start + size, rows)) for start in range(0, rows, size)]


def sum_features(
    features: FeatureStore,
    identity: np.ndarray,
    shards: Shards | None = None,
) -> np.ndarray:
    """Return the feature sums ``(K, D)`` float64 of identities 0..K-1.

    One pass over the features. Sums are exact (see ``FeatureStore``), so
    they do not depend on the ranges that are read together.
    """

    def one(part: tuple[int, int]) -> dict[str, np.ndarray]:
        ids = identity[slice(*part)]
        found, local = np.unique(ids[ids >= 0], return_inverse=True)
        sums = np.zeros((len(found), features.dim))
        all_local = np.full(len(ids), -1)
        all_local[ids >= 0] = local
        add_rows(sums, features[slice(*part)], all_local)
        return {'ids': found, 'sums': sums}

    sums = np.zeros((int(identity.max(initial=-1)) + 1, features.dim))
    parts = row_ranges(len(identity))
    for done in (shards or Shards()).map(
        'sums',
        one,
        parts,
        sizes=[stop - start for start, stop in parts],
        keep=False,
    ):
        sums[done['ids']] += done['sums']
    return sums


def own_distance(
    features: FeatureStore,
    centroids: np.ndarray,
    identity: np.ndarray,
    shards: Shards | None = None,
) -> np.ndarray:
    """Return every row's distance to its own centroid, ``(N,)`` float64.

    One pass over the features. Unassigned rows get NaN.
    """

    def one(part: tuple[int, int]) -> dict[str, np.ndarray]:
        rows = slice(*part)
        return {
            'distance': centroid_distance(
                features[rows], centroids, identity[rows]
            )
        }

    parts = row_ranges(len(identity))
    done = (shards or Shards()).map(
        'distances',
        one,
        parts,
        sizes=[stop - start for start, stop in parts],
        keep=False,
    )
    return np.concatenate([np.zeros(0), *(part['distance'] for part in done)])
