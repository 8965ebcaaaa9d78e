"""Intra-identity consistency of sets of features.

Shapes: n rows, D dimensions, G groups; features are unit vectors. The
distance is 1 - cosine and a centroid is the normalised mean (both ours).
"""

import numpy as np
from numba import prange

from .compiled import compiled, set_threads

# Distances nearer than this count as equal, so that rounding cannot decide
# between two rows.
TIE = 1e-12
_EPSILON = float(np.finfo(np.float64).eps)
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
    costs O(n D). Of float32 features these products are float32; before a
    decision that rounding could change, all are summed anew in float64.

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
    set_threads(feats.size)
    unit = 16 * float(np.finfo(feats.dtype).eps)
    _drop_farthest(np.ascontiguousarray(feats), ptr, float(sigma), unit, keep)
    return keep


@compiled(parallel=True)
def _drop_farthest(
    feats: np.ndarray,
    ptr: np.ndarray,
    sigma: float,
    unit: float,
    keep: np.ndarray,
) -> None:
    for group in prange(len(ptr) - 1):
        part = slice(ptr[group], ptr[group + 1])
        _drop_group(feats[part], sigma, unit, keep[part])


@compiled()
def _drop_group(
    rows: np.ndarray, sigma: float, unit: float, keep: np.ndarray
) -> None:
    """Drop rows; ``unit`` is more than what one product may err by."""
    count = len(rows)
    inner = np.empty(count)  # <f_i, sum of the remaining rows>
    _sum_products(rows, keep, inner)
    error = 0.0  # of inner, since it was last summed
    while count > 0:
        square, low, second = 0.0, np.inf, np.inf
        for i in range(len(rows)):
            if keep[i]:
                square += inner[i]
                second = min(second, max(low, inner[i]))
                low = min(low, inner[i])
        length = np.sqrt(max(square, 0.0))
        shortest = NO_DIRECTION * count
        # all are at distance 1 from a zero centroid
        norm = length if length > shortest else np.inf
        beyond = 1 - low / norm - sigma
        if error > 0:
            length = max(length, shortest)
            doubt = error / length * (1 + count / (2 * length))
            clear = second - low > doubt * length or beyond < 0
            if abs(beyond) <= doubt or not clear:
                _sum_products(rows, keep, inner)
                error = 0.0
                continue
        if beyond <= TIE:
            break
        far = -1
        for i in range(len(rows)):
            if keep[i] and (inner[i] - low) / norm <= TIE:
                far = i
        keep[far] = False
        count -= 1
        for i in range(len(rows)):
            if keep[i]:
                inner[i] -= _dot(rows[i], rows[far])
        error += unit + _EPSILON * length


@compiled()
def _sum_products(
    rows: np.ndarray, keep: np.ndarray, inner: np.ndarray
) -> None:
    """Set ``inner`` to <f_i, sum of kept rows> in float64."""
    total = np.zeros(rows.shape[1])
    for i in range(len(rows)):
        if keep[i]:
            for d in range(rows.shape[1]):
                total[d] += rows[i, d]
    for i in range(len(rows)):
        if keep[i]:
            inner[i] = dot(rows[i], total)


@compiled(fastmath={'reassoc', 'contract', 'nsz'})
def _dot(a: np.ndarray, b: np.ndarray) -> float:
    """Return <a, b> in the precision of ``a`` and ``b``."""
    total = a.dtype.type(0)
    for d in range(len(a)):
        total += a[d] * b[d]
    return total


@compiled(fastmath={'reassoc', 'contract', 'nsz'})
def dot(a: np.ndarray, b: np.ndarray) -> float:
    """Return <a, b> in float64, whatever the precision of ``a`` and ``b``."""
    total = 0.0
    for d in range(len(a)):
        total += np.float64(a[d]) * np.float64(b[d])
    return total
