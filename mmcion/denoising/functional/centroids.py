"""Sums of features per identity, and distances to centroids.

Shapes: n rows, D dimensions, K identities.
"""

import numpy as np
from numba import prange

from .compiled import compiled, set_threads
from .consistency import dot


def add_rows(sums: np.ndarray, feats: np.ndarray, ids: np.ndarray) -> None:
    """Add every row to the sum of its identity, in order of rows.

    Args:
        sums: ``(K, D)`` float64, changed in place.
        feats: ``(n, D)`` float32.
        ids: ``(n,)``; rows with -1 are left out.
    """
    _add_rows(sums, feats, np.asarray(ids, np.int64))


def centroid_distance(
    feats: np.ndarray, centroids: np.ndarray, ids: np.ndarray
) -> np.ndarray:
    """Return ``1 - <feats[i], centroids[ids[i]]>``, ``(n,)`` float64.

    Args:
        feats: ``(n, D)`` float32.
        centroids: ``(K, D)`` float64.
        ids: ``(n,)``; rows with -1 get NaN.
    """
    out = np.full(len(feats), np.nan)
    set_threads(feats.size)
    _centroid_distance(feats, centroids, np.asarray(ids, np.int64), out)
    return out


@compiled()
def _add_rows(sums: np.ndarray, feats: np.ndarray, ids: np.ndarray) -> None:
    for i in range(len(ids)):
        if ids[i] >= 0:
            sums[ids[i]] += feats[i]


@compiled(parallel=True)
def _centroid_distance(
    feats: np.ndarray, centroids: np.ndarray, ids: np.ndarray, out: np.ndarray
) -> None:
    for i in prange(len(ids)):
        if ids[i] >= 0:
            out[i] = 1 - dot(feats[i], centroids[ids[i]])
