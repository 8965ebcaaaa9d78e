"""Intra-identity consistency of sets of features.

Shapes: n rows, D dimensions, G groups; features are unit vectors f_i. With
S the sum of a group's features, its centroid is S / |S| and the distance of a
row to it 1 - <f_i, S> / |S|.
"""

import numpy as np
from numba import prange

from .centroids import dot
from .compiled import compiled

# Distances that differ by less count as equal: float64 sums in another order
# must not decide between two rows.
TIE = 1e-12
# A mean of unit vectors shorter than this is rounding of float32, not a
# direction: it counts as zero, and all rows are at distance 1 from it.
MIN_MEAN_LENGTH = 1e-7
_FLOAT64_EPS = float(np.finfo(np.float64).eps)


def consistent_rows(feats: np.ndarray, sigma: float) -> np.ndarray:
    """Do ``consistent_groups`` for a single group ``(n, D)``."""
    return consistent_groups(feats, np.array([0, len(feats)]), sigma)


@compiled(parallel=True)
def consistent_groups(
    feats: np.ndarray, ptr: np.ndarray, sigma: float
) -> np.ndarray:
    """Per group, drop the farthest row until all lie within ``sigma``.

    Source: CION, single-tracklet denoising; the criterion is
    max_i d(f_i, c) <= sigma. Of rows equally far the later one goes first
    (ours). Removing row j changes <f_i, S> by <f_i, f_j>, so a removal costs
    O(n D) instead of a new centroid and all distances to it.

    Args:
        feats: ``(n, D)`` float32 or float64 unit vectors, groups one after
            the other, rows of a group in order of time.
        ptr: ``(G + 1,)`` pointers; group g is rows ``ptr[g]:ptr[g + 1]``.
        sigma: Largest distance to the centroid, in [0, 2].

    Returns:
        ``(n,)`` bool, True where the row stays.
    """
    keep = np.ones(len(feats), np.bool_)
    for group in prange(len(ptr) - 1):
        part = slice(ptr[group], ptr[group + 1])
        _drop_farthest(feats[part], sigma, keep[part])
    return keep


@compiled()
def _drop_farthest(rows: np.ndarray, sigma: float, keep: np.ndarray) -> None:
    """Clear ``keep`` of the rows ``(n, D)`` of one group that go.

    Of float32 features, the products that update ``inner`` are float32. Their
    error is bounded all along. Where it could change a decision, ``inner`` is
    computed anew in float64 first.
    """
    # bound of the error of a product of two rows in their own precision
    product_error = 16 * np.finfo(rows.dtype).eps
    count = len(rows)
    inner = np.empty(count)  # (n,) <f_i, S>, S = sum of the kept rows
    _sum_products(rows, keep, inner)
    error = 0.0  # bound of the error of inner
    while count > 0:
        # |S|^2 is the sum of inner; the smallest inner is the farthest row.
        square, low, second = 0.0, np.inf, np.inf
        for i in range(len(rows)):
            if keep[i]:
                square += inner[i]
                second = min(second, max(low, inner[i]))
                low = min(low, inner[i])
        length = np.sqrt(max(square, 0.0))
        shortest = MIN_MEAN_LENGTH * count
        # dividing by infinity puts all rows at distance 1
        norm = length if length > shortest else np.inf
        beyond = 1 - low / norm - sigma
        if error > 0:
            # A distance 1 - inner / |S| errs by error / |S| through inner,
            # and through |S|, which errs by count * error / (2 |S|).
            length = max(length, shortest)
            doubt = error / length * (1 + count / (2 * length))
            clear = second - low > doubt * length or beyond < 0
            if abs(beyond) <= doubt or not clear:
                _sum_products(rows, keep, inner)
                error = 0.0
                continue
        if beyond <= TIE:
            break
        # the latest of the rows that are equally far
        far = -1
        for i in range(len(rows)):
            if keep[i] and (inner[i] - low) / norm <= TIE:
                far = i
        keep[far] = False
        count -= 1
        for i in range(len(rows)):
            if keep[i]:
                inner[i] -= _dot_as_is(rows[i], rows[far])
        error += product_error + _FLOAT64_EPS * length


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
def _dot_as_is(a: np.ndarray, b: np.ndarray) -> float:
    """Return <a, b> in the precision of ``a`` and ``b``."""
    total = a.dtype.type(0)
    for d in range(len(a)):
        total += a[d] * b[d]
    return total
