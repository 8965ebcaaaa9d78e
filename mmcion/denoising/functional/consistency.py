"""Intra-identity consistency of sets of features.

Shapes: n rows, D dimensions, G groups; features are unit vectors f_i. With
S the sum of a group's features, its centroid is S / |S| and the distance of a
row to it 1 - <f_i, S> / |S|. Leaving the row out of its own centroid, the
paper's Eq. 4, gives 1 - (<f_i, S> - 1) / sqrt(|S|^2 - 2 <f_i, S> + 1).
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
    ptr = np.array([0, len(feats)])
    # of an int the function would be compiled anew
    return consistent_groups(feats, ptr, float(sigma), False)


@compiled(parallel=True)
def consistent_groups(
    feats: np.ndarray,
    ptr: np.ndarray,
    sigma: float,
    leave_one_out: bool,
) -> np.ndarray:
    """Per group, drop the farthest row until all are near enough.

    Source: CION, single-tracklet denoising. With ``leave_one_out`` as in
    Eq. 4: a row goes while its distance to the centroid of the others is
    >= ``sigma``; one row stays (ours). Without (ours): a row goes while its
    distance to the centroid of all is > ``sigma``. Of rows equally far the
    later one goes first (ours). Removing row j changes <f_i, S> by
    <f_i, f_j>, so a removal costs O(n D) instead of a new centroid and all
    distances to it.

    Args:
        feats: ``(n, D)`` float32 or float64 unit vectors, groups one after
            the other, rows of a group in order of time.
        ptr: ``(G + 1,)`` pointers; group g is rows ``ptr[g]:ptr[g + 1]``.
        sigma: Largest distance to the centroid, in [0, 2].
        leave_one_out: Whether a row is left out of its own centroid.

    Returns:
        ``(n,)`` bool, True where the row stays.
    """
    keep = np.ones(len(feats), np.bool_)
    for group in prange(len(ptr) - 1):
        part = slice(ptr[group], ptr[group + 1])
        _drop_farthest(feats[part], sigma, leave_one_out, keep[part])
    return keep


@compiled()
def _drop_farthest(
    rows: np.ndarray, sigma: float, leave_one_out: bool, keep: np.ndarray
) -> None:
    """Clear ``keep`` of the rows ``(n, D)`` of one group that go.

    Of float32 features, the products that update ``inner`` are float32. Their
    error is bounded all along. Where it could change a decision, ``inner`` is
    computed anew in float64 first.
    """
    # bound of the error of a product of two rows in their own precision
    product_error = 16 * np.finfo(rows.dtype).eps
    count = len(rows)
    own = np.empty(count)  # (n,) |f_i|^2, 1 up to the rounding of float32
    if leave_one_out:
        for i in range(count):
            own[i] = dot(rows[i], rows[i])
    inner = np.empty(count)  # (n,) <f_i, S>, S = sum of the kept rows
    _sum_products(rows, keep, inner)
    error = 0.0  # bound of the error of inner
    away = np.empty(count)  # (n,) distance to the centroid
    num_left_out = 1 if leave_one_out else 0
    while count > num_left_out:
        square = 0.0  # |S|^2 is the sum of inner
        for i in range(len(rows)):
            if keep[i]:
                square += inner[i]
        length = np.sqrt(max(square, 0.0))
        # Distances are 1 - cosine / length, and 1 to a centroid that counts
        # as zero: then length is infinite.
        zero_length = MIN_MEAN_LENGTH * (count - num_left_out)
        shortest = max(length, zero_length)
        norm = length if length > zero_length else np.inf
        farthest, second = -np.inf, -np.inf
        for i in range(len(rows)):
            if not keep[i]:
                continue
            if leave_one_out:
                rest = np.sqrt(max(square - 2 * inner[i] + own[i], 0.0))
                shortest = min(shortest, max(rest, zero_length))
                norm = np.sqrt(own[i]) * rest
                norm = norm if rest > zero_length else np.inf
                away[i] = 1 - (inner[i] - own[i]) / norm
            else:
                away[i] = 1 - inner[i] / norm
            second = max(second, min(farthest, away[i]))
            farthest = max(farthest, away[i])
        beyond = farthest - sigma
        if error > 0:
            # A distance 1 - inner / |S| errs by error / |S| through inner,
            # and through |S|, which errs by count * error / (2 |S|); without
            # f_i, the square of the length errs by 2 more.
            terms = count + 2 * num_left_out
            doubt = error / shortest * (1 + terms / (2 * shortest))
            clear = farthest - second > 2 * doubt or beyond < 0
            if abs(beyond) <= doubt or not clear:
                _sum_products(rows, keep, inner)
                error = 0.0
                continue
        if beyond < -TIE or (beyond <= TIE and not leave_one_out):
            break
        # the latest of the rows that are equally far
        far = -1
        for i in range(len(rows)):
            if keep[i] and farthest - away[i] <= TIE:
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
