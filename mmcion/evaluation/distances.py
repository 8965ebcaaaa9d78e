"""Distances of queries to a gallery, a block of queries at a time.

Shapes: Q queries, G gallery images, D feature dimensions, B queries of a
block.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import Tensor

from mmcion.structures.columns import as_floats
from mmcion.utils.checks import UserError, check_at_least, check_choice
from mmcion.utils.neighbours import (
    dot_products,
    nearest_columns,
    to_search_device,
)

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
    for block in _search_blocks(qf, gf, distance):
        yield block.cpu().numpy()


def _search_blocks(
    qf: np.ndarray, gf: np.ndarray, distance: str
) -> Iterator[Tensor]:
    """Yield the blocks of ``distance_blocks`` where vectors are compared."""
    check_choice('distance', distance, DISTANCES)
    check_pair(qf, gf)
    dtype = np.result_type(qf, gf)
    squares = squared_norms(gf)
    norms = np.sqrt(np.where(squares > 0, squares, 1))
    gallery = to_search_device(gf, dtype)
    # dividing by the norms afterwards saves a normalised copy of the gallery
    g_norms = to_search_device(norms, dtype)
    g_squares = to_search_device(squares, dtype)
    num_tiled = len(gf) // _TILE * _TILE
    tail = gallery.new_zeros(_TILE, gf.shape[1])
    tail[: len(gf) - num_tiled] = gallery[num_tiled:]
    query = gallery.new_zeros(BLOCK, qf.shape[1])
    rows = min(BLOCK, len(qf)) + _TILE
    product = gallery.new_empty(rows, num_tiled + _TILE)
    for start in range(0, len(qf), BLOCK):
        block = qf[start : start + BLOCK].astype(dtype, copy=False)
        size, rows = len(block), -(-len(block) // _TILE) * _TILE
        query[:size] = to_search_device(
            normalize_rows(block) if distance == 'cosine' else block
        )
        # (rows, D) -> (rows, G), both padded to tiles
        dot_products(
            query[:rows], gallery[:num_tiled], product[:rows, :num_tiled]
        )
        dot_products(query[:rows], tail, product[:rows, num_tiled:])
        result = product[:size, : len(gf)]
        if distance == 'cosine':
            result.div_(-g_norms).add_(1)
        else:
            # |q - g|^2 = |q|^2 + |g|^2 - 2 <q, g>, 0 if rounded below
            q_squares = to_search_device(squared_norms(block), dtype)
            result.mul_(-2).add_(g_squares).add_(q_squares[:, None])
            result.clamp_(min=0).sqrt_()
        yield result


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
    for block in _search_blocks(qf, gf, distance):
        part = slice(start, start := start + len(block))
        nearest = nearest_columns(block, k)
        rows[part] = nearest.cpu().numpy()
        distances[part] = block.gather(1, nearest).cpu().numpy()
    return rows, distances
