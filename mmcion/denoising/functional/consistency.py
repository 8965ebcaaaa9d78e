"""Intra-identity consistency of sets of features.

Shapes: n rows, D dimensions, G groups; features are unit vectors. The
distance is 1 - cosine and a centroid is the normalised mean (both ours).
"""

import numpy as np
from numba import njit, prange

# Distances nearer than this count as equal, so that rounding cannot decide
# between two rows.
TIE = 1e-12
# Decisions as close as this in float32 are taken again in float64.
_DOUBT = 1e-5
NO_DIRECTION = 1e-7  # a mean shorter than this is rounding, taken as zero


def normalise(vectors: np.ndarray) -> np.ndarray:
    """Return vectors ``(..., D)`` at unit length; a zero vector stays zero."""
    norm = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(norm, np.finfo(np.float64).tiny)


def consistent_rows(feats: np.ndarray, sigma: float) -> np.ndarray:
    """Do ``consistent_groups`` for a single group ``(n, D)``."""
    return consistent_groups(feats, np.array([0, len(feats)]), sigma)


def consistent_groups(
    feats: np.ndarray, ptr: np.ndarray, sigma: float
) -> np.ndarray:
    """Per group, drop the farthest row until all lie within ``sigma``.

    Source: CION, single-tracklet denoising; the criterion is
    max_i d(f_i, c) <= sigma. Of rows equally far the later one goes first
    (ours). Removing row j changes <f_i, sum> by <f_i, f_j>, so a removal
    costs O(n D). float32 features are tried in float32, and a group in
    which that could have erred is done again in float64.

    Args:
        feats: ``(n, D)`` unit vectors, groups one after the other, rows of a
            group in order of time.
        ptr: ``(G + 1,)``; group g is rows ``ptr[g]:ptr[g + 1]``.
        sigma: largest distance to the centroid, in [0, 2].

    Returns:
        ``(n,)`` bool, True where the row stays.
    """
    keep = np.ones(len(feats), np.bool_)
    if feats.dtype != np.float32:
        feats = np.asarray(feats, np.float64)
    ptr = np.asarray(ptr, np.int64)
    _drop_farthest(np.ascontiguousarray(feats), ptr, float(sigma), keep)
    return keep


@njit(cache=True, parallel=True)
def _drop_farthest(
    feats: np.ndarray, ptr: np.ndarray, sigma: float, keep: np.ndarray
) -> None:
    for group in prange(len(ptr) - 1):
        part = slice(ptr[group], ptr[group + 1])
        if _drop_group(feats[part], sigma, keep[part]) < _DOUBT:
            keep[part] = True
            _drop_group(feats[part].astype(np.float64), sigma, keep[part])


@njit(cache=True)
def _drop_group(rows: np.ndarray, sigma: float, keep: np.ndarray) -> float:
    """Drop rows in the precision of ``rows``; return the closest decision.

    That is the smallest difference between two distances, or a distance and
    sigma, that decided anything.
    """
    margin = np.inf
    count = len(rows)
    total = np.zeros(rows.shape[1])
    for i in range(count):
        for d in range(rows.shape[1]):
            total[d] += rows[i, d]
    inner = np.empty(count)  # <f_i, sum of the remaining rows>
    total_rounded = total.astype(rows.dtype)
    for i in range(count):
        inner[i] = _dot(rows[i], total_rounded)
    while count > 0:
        square, low, second = 0.0, np.inf, np.inf
        for i in range(len(rows)):
            if keep[i]:
                square += inner[i]
                second = min(second, max(low, inner[i]))
                low = min(low, inner[i])
        norm = np.sqrt(max(square, 0.0))
        if norm <= NO_DIRECTION * count:
            norm = np.inf  # all are at distance 1 from a zero centroid
        beyond = 1 - low / norm - sigma
        margin = min(margin, abs(beyond))
        if beyond <= TIE:
            break
        if count > 1:
            margin = min(margin, (second - low) / norm)
        far = -1
        for i in range(len(rows)):
            if keep[i] and (inner[i] - low) / norm <= TIE:
                far = i
        keep[far] = False
        count -= 1
        for i in range(len(rows)):
            if keep[i]:
                inner[i] -= _dot(rows[i], rows[far])
    return margin


@njit(cache=True, fastmath={'reassoc', 'contract', 'nsz'})
def _dot(a: np.ndarray, b: np.ndarray) -> float:
    """Return <a, b> in the precision of ``a`` and ``b``."""
    total = a.dtype.type(0)
    for d in range(len(a)):
        total += a[d] * b[d]
    return total


@njit(cache=True, fastmath={'reassoc', 'contract', 'nsz'})
def dot(a: np.ndarray, b: np.ndarray) -> float:
    """Return <a, b> in float64, whatever the precision of ``a`` and ``b``."""
    total = 0.0
    for d in range(len(a)):
        total += np.float64(a[d]) * np.float64(b[d])
    return total
