"""Sums of features per identity, centroids, and distances to them.

Shapes: n rows, D dimensions, K identities. A centroid is the sum of an
identity's unit vectors at unit length, the distance 1 - cosine (both ours).
"""

import numpy as np
from numba import prange

from .compiled import compiled

# Features are float32, so the distance of equal ones is not exactly zero but
# less than this.
DISTANCE_ERROR = 1e-6


def normalise(vectors: np.ndarray) -> np.ndarray:
    """Return vectors ``(..., D)`` at unit length; a zero vector stays zero."""
    norm = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(norm, np.finfo(np.float64).tiny)


@compiled(fastmath={'reassoc', 'contract', 'nsz'})
def dot(a: np.ndarray, b: np.ndarray) -> float:
    """Return <a, b> in float64, whatever the precision of ``a`` and ``b``."""
    total = 0.0
    for d in range(len(a)):
        total += np.float64(a[d]) * np.float64(b[d])
    return total


@compiled()
def add_rows(sums: np.ndarray, feats: np.ndarray, ids: np.ndarray) -> None:
    """Add rows ``(n, D)`` to the sums ``(K, D)`` of their identities.

    Rows with the identity -1 are skipped.
    """
    for i in range(len(ids)):
        if ids[i] >= 0:
            sums[ids[i]] += feats[i]


@compiled(parallel=True)
def centroid_distance(
    feats: np.ndarray, centroids: np.ndarray, ids: np.ndarray
) -> np.ndarray:
    """Return ``(n,)`` distances of rows to their own centroid.

    Rows with the identity -1 get NaN.
    """
    distance = np.full(len(ids), np.nan)
    for i in prange(len(ids)):
        if ids[i] >= 0:
            distance[i] = 1 - dot(feats[i], centroids[ids[i]])
    return distance
