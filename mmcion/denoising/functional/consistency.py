"""Intra-identity consistency of a set of features.

Shapes: n rows, D dimensions; features are unit vectors. The distance is
1 - cosine and a centroid is the normalised mean (both ours).
"""

import numpy as np

# Distances nearer than this count as equal, so that rounding cannot decide
# between two rows.
TIE = 1e-12
_NO_DIRECTION = 1e-7  # a mean shorter than this is rounding, taken as zero


def centroid(feats: np.ndarray) -> np.ndarray:
    """Return the normalised mean ``(D,)`` float64 of ``(n, D)`` features."""
    return normalise(feats.sum(0, dtype=np.float64))


def normalise(vectors: np.ndarray) -> np.ndarray:
    """Return vectors ``(..., D)`` at unit length; a zero vector stays zero."""
    norm = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(norm, np.finfo(np.float64).tiny)


def consistent_rows(feats: np.ndarray, sigma: float) -> np.ndarray:
    """Drop the farthest row until all lie within ``sigma`` of the centroid.

    Source: CION section on single-tracklet denoising; the criterion is
    max_i d(f_i, c) <= sigma. Of rows equally far the later one goes first
    (ours). Removing row j changes every <f_i, sum> by <f_i, f_j>, so one
    Gram matrix serves all rounds: O(n^2 D) once and O(n) a round.

    Args:
        feats: ``(n, D)`` unit vectors, in order of time.
        sigma: largest distance allowed, in [0, 2].

    Returns:
        ``(n,)`` bool, True where the row stays.
    """
    feats = np.asarray(feats, np.float64)
    gram = feats @ feats.T
    inner = gram.sum(1)  # <f_i, sum of the remaining rows>
    keep = np.ones(len(feats), bool)
    while keep.any():
        norm = np.sqrt(max(inner[keep].sum(), 0))
        if norm <= _NO_DIRECTION * keep.sum():
            norm = np.inf  # everything is at distance 1 from a zero centroid
        distance = np.where(keep, 1 - inner / norm, -np.inf)
        farthest = distance.max()
        if farthest <= sigma + TIE:
            break
        row = np.flatnonzero(distance >= farthest - TIE)[-1]
        keep[row] = False
        inner -= gram[row]
    return keep
