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


def one_box_per_frame(
    feats: np.ndarray, frame_key: np.ndarray, tracklet: np.ndarray
) -> np.ndarray:
    """Return which rows of an identity stay, so that no frame has two (ours).

    In a frame of several tracklets the one with the row nearest to the
    centroid of all stays; of equally near rows the first. What one tracklet
    has in a frame stays together.

    Args:
        feats: ``(n, D)`` unit vectors.
        frame_key: ``(n,)`` numbers of the rows' frames.
        tracklet: ``(n,)`` numbers of the rows' tracklets.
    """
    vectors = feats.astype(np.float64)
    distance = (1 - vectors @ normalise(vectors.sum(0))).round(12)
    # the nearest row of each frame: (F,), in the order of frames
    order = np.lexsort((distance, frame_key))
    frames, first = np.unique(frame_key[order], return_index=True)
    nearest = tracklet[order[first]]
    return tracklet == nearest[np.searchsorted(frames, frame_key)]


@compiled()
def add_rows(sums: np.ndarray, feats: np.ndarray, ids: np.ndarray) -> None:
    """Add rows ``(n, D)`` to the sums ``(K, D)`` of their identities.

    Rows with the identity -1 are skipped.
    """
    # a loop over numbers compiles in a tenth of the time of one over arrays
    for i in range(len(ids)):
        if ids[i] >= 0:
            for d in range(feats.shape[1]):
                sums[ids[i], d] += feats[i, d]


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
