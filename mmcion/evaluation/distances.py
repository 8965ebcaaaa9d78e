"""Distances of queries to a gallery, a block of queries at a time.

Shapes: Q queries, G gallery images, D feature dimensions, B queries of a
block.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from mmcion.structures.columns import as_floats
from mmcion.utils.checks import UserError, check_at_least, check_choice

DISTANCES = ('cosine', 'euclidean')
# Queries of a block. Blocks begin at multiples of it whatever the number of
# processes, since the rounding of a matrix product depends on its shape.
BLOCK = 256
# BLAS computes rows and columns beyond a multiple of this by kernels that
# round differently. Padding keeps equal images equally far.
_TILE = 64


def as_features(features: Any, name: str) -> np.ndarray:
    """Return an array or tensor ``(N, D)`` as float array of usable rows.

    float64 stays, every other type becomes float32; float32 is not copied.

    Raises:
        UserError: If it is not two-dimensional or has no dimensions, if it is
            no array of real numbers, or if a row is not finite, zero, or so
            large or small that its square overflows or underflows.
    """
    features = as_floats(name, features)
    if features.ndim != 2 or not features.shape[1]:
        raise UserError(f'{name} must be (N, D), D > 0; got {features.shape}.')
    limits = np.finfo(features.dtype)
    # |a - b|^2 <= 4 max(|a|, |b|)^2 must not overflow. Parts of a square that
    # underflow must be below its rounding.
    low, high = limits.tiny / limits.eps, limits.max / 4
    # block by block: a mask of all values would be a quarter of the features
    for start in range(0, len(features), BLOCK):
        block = features[start : start + BLOCK]
        with np.errstate(all='ignore'):
            squares = np.einsum('nd,nd->n', block, block)
        usable = (low <= squares) & (squares <= high)  # False for NaN
        if not usable.all():
            row = int(usable.argmin())
            reason = describe_row(block[row])
            raise UserError(f'{name}[{start + row}] {reason}.')
    return features


def describe_row(row: np.ndarray) -> str:
    """Return what is wrong with a feature ``(D,)`` that is not usable."""
    if not np.isfinite(row).all():
        return (
            'has NaN or infinity; check the image and the model (divergence, '
            'fp16 overflow)'
        )
    if not row.any():
        return (
            'is zero, as features of unreadable images are; leave it out, or '
            'check the model'
        )
    norm = np.linalg.norm(row.astype(np.longdouble))
    return (
        f'has norm {norm:.3g}, and squares overflow or underflow in '
        f'{row.dtype}; normalise the features first'
    )


def take_rows(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return rows in ascending order, without a copy if consecutive."""
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
        return array[rows[0] : rows[-1] + 1]
    return array[rows]


def squared_norms(features: np.ndarray) -> np.ndarray:
    """Return ``(N,)`` float64 squared norms, without a float64 copy."""
    squares = np.empty(len(features))
    for start in range(0, len(features), BLOCK):
        block = features[start : start + BLOCK].astype(np.float64)
        squares[start : start + BLOCK] = np.einsum('nd,nd->n', block, block)
    return squares


def normalize_rows(features: np.ndarray) -> np.ndarray:
    """Return ``(N, D)`` rows of norm 1; zero rows stay zero."""
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(norms > 0, norms, 1)


def check_pair(qf: np.ndarray, gf: np.ndarray) -> None:
    """Raise ``UserError`` unless features have the same dimension."""
    if qf.shape[1] != gf.shape[1]:
        dimensions = f'{qf.shape[1]} and {gf.shape[1]} dimensions'
        raise UserError(f'qf and gf are of different models: {dimensions}.')


def distance_blocks(
    qf: np.ndarray, gf: np.ndarray, distance: str = 'cosine'
) -> Iterator[np.ndarray]:
    """Yield the ``(B, G)`` distances of each block of queries.

    The blocks share memory: use one before taking the next. ``'cosine'``
    yields 1 - cos in [0, 2]; ``'euclidean'`` |q - g|. Features are those of
    ``as_features``.
    """
    check_choice('distance', distance, DISTANCES)
    check_pair(qf, gf)
    dtype = np.result_type(qf, gf)
    gf = gf.astype(dtype, copy=False)
    g_squares = squared_norms(gf)
    # dividing by the norms afterwards saves a normalised copy of the gallery
    g_norms = np.sqrt(np.where(g_squares > 0, g_squares, 1)).astype(dtype)
    num_tiled = len(gf) // _TILE * _TILE
    tail = np.zeros((_TILE, gf.shape[1]), dtype)
    tail[: len(gf) - num_tiled] = gf[num_tiled:]
    query = np.zeros((BLOCK, qf.shape[1]), dtype)
    product = np.empty((min(BLOCK, len(qf)) + _TILE, num_tiled + _TILE), dtype)
    for start in range(0, len(qf), BLOCK):
        block = qf[start : start + BLOCK].astype(dtype, copy=False)
        size, rows = len(block), -(-len(block) // _TILE) * _TILE
        query[:size] = normalize_rows(block) if distance == 'cosine' else block
        # (rows, D) -> (rows, G), both padded to tiles
        np.matmul(
            query[:rows], gf[:num_tiled].T, out=product[:rows, :num_tiled]
        )
        np.matmul(query[:rows], tail.T, out=product[:rows, num_tiled:])
        result = product[:size, : len(gf)]
        if distance == 'cosine':
            result /= -g_norms
            result += 1
        else:
            # |q - g|^2 = |q|^2 + |g|^2 - 2 <q, g>, 0 if rounded below
            result *= -2
            result += g_squares.astype(dtype)
            result += squared_norms(block)[:, None].astype(dtype)
            np.maximum(result, 0, out=result)
            np.sqrt(result, out=result)
        yield result


def nearest_columns(block: np.ndarray, k: int) -> np.ndarray:
    """Return the columns ``(B, k)`` of the smallest values of each row.

    They are in ascending order; of equal values the lower column is first.
    ``block`` is ``(B, G)``, ``k`` at most G.
    """
    limit = np.partition(block, k - 1, axis=1)[:, k - 1 : k]
    rows, columns = np.nonzero(block <= limit)  # more than k if some tie
    order = np.lexsort((block[rows, columns], rows))
    first = np.searchsorted(rows, np.arange(len(block)))
    return columns[order[first[:, None] + np.arange(k)]]


def nearest_gallery(
    qf: Any, gf: Any, k: int, *, distance: str = 'cosine'
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ``k`` nearest gallery images of every query.

    Args:
        qf: ``(Q, D)`` query features.
        gf: ``(G, D)`` gallery features.
        k: Number of images; at most G are returned.
        distance: ``'cosine'`` or ``'euclidean'``.

    Returns:
        ``(Q, k)`` int64 gallery rows and ``(Q, k)`` distances, ascending.
    """
    check_at_least(1, k=k)
    qf, gf = as_features(qf, 'qf'), as_features(gf, 'gf')
    k = min(k, len(gf))
    rows = np.zeros((len(qf), k), np.int64)
    distances = np.zeros((len(qf), k), np.result_type(qf, gf))
    if not k:
        return rows, distances
    start = 0
    for block in distance_blocks(qf, gf, distance):
        part = slice(start, start := start + len(block))
        rows[part] = nearest_columns(block, k)
        distances[part] = np.take_along_axis(block, rows[part], axis=1)
    return rows, distances
