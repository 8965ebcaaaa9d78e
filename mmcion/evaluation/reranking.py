"""k-reciprocal re-ranking with bounded memory.

No ``(N, N)`` matrix exists: distances are computed for a block of rows at a
time, and encodings are sparse.

Shapes: N images, the Q queries followed by the G gallery images; K nearest
neighbours of each, itself included.

Source: Zhong et al., "Re-ranking person re-identification with k-reciprocal
encoding", CVPR 2017; sections and equations below are of this paper.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix

from mmcion.utils.checks import (
    UserError,
    check_at_least,
    check_choice,
    check_interval,
)

from .distances import as_features, check_pair, nearest_columns

VARIANTS = ('zhong', 'faiss')
_BLOCK_BYTES = 32 * 2**20


def rerank(
    qf: Any,
    gf: Any,
    k1: int = 20,
    k2: int = 6,
    lambda_value: float = 0.3,
    variant: str = 'zhong',
) -> np.ndarray:
    """Mix distances with the fraction of neighbours that two images share.

    ``lambda_value * distance + (1 - lambda_value) * Jaccard distance`` of the
    k-reciprocal encodings (equation 12). Distances are squared Euclidean
    between the features as given; normalise them to re-rank by cosine. The
    scores of the two variants are not comparable:

    - ``'zhong'``: an image has ``k1`` neighbours besides itself. Its
      distances are divided by the largest one; weights are
      ``exp(-distance)``.
    - ``'faiss'``: the image itself is one of its ``k1`` neighbours. Distances
      are not scaled; weights are their softmax.

    Of equally near images the first is taken, queries before gallery.

    Args:
        qf: ``(Q, D)`` query features, array or tensor.
        gf: ``(G, D)`` gallery features.
        k1: Number of neighbours in the encoding.
        k2: Number of neighbours, the image included, whose encodings are
            averaged; 1 for no averaging.
        lambda_value: Weight of the original distance, in [0, 1].
        variant: ``'zhong'`` or ``'faiss'``.

    Returns:
        ``(Q, G)`` float32.

    Raises:
        UserError: If there are at most ``k1`` images.

    Source: Code of the paper (``'zhong'``); code of OpenUnReID and Cluster
    Contrast (``'faiss'``).
    """
    everyone = slice(None)
    return rerank_queries(qf, gf, everyone, k1, k2, lambda_value, variant)


def rerank_queries(
    qf: Any,
    gf: Any,
    queries: slice,
    k1: int,
    k2: int,
    lambda_value: float,
    variant: str,
) -> np.ndarray:
    """Re-rank for R consecutive queries; all images serve as neighbours.

    Returns:
        ``(R, G)`` float32; see ``rerank`` for the options.
    """
    check_rerank(k1, k2, lambda_value, variant)
    images = Images(as_features(qf, 'qf'), as_features(gf, 'gf'))
    if not len(images.gf) or k1 >= len(images):
        raise UserError(
            f'k1 must be below the number of images; got {k1} with '
            f'{len(images.qf)} queries (qf), {len(images.gf)} in gallery (gf).'
        )
    own_first, own_stop, _ = queries.indices(len(images.qf))
    result = np.empty((own_stop - own_first, len(images.gf)), np.float32)
    if not len(result):
        return result
    is_scaled = variant == 'zhong'
    # first pass over all distances: neighbours, and lambda * distance
    k = k1 + is_scaled
    neighbours_NK = np.empty((len(images), k), np.int32)
    scale = np.ones(len(images), images.squares.dtype)
    for first, block in images.blocks():
        stop = first + len(block)
        neighbours_NK[first:stop] = nearest_columns(block, k)
        if is_scaled:
            largest = block.max(axis=1)
            scale[first:stop] = np.where(largest > 0, largest, 1)
        low, high = max(first, own_first), min(stop, own_stop)
        if low < high:
            np.multiply(
                block[low - first : high - first, len(images.qf) :],
                (lambda_value / scale[low:high])[:, None],
                out=result[low - own_first : high - own_first],
            )
    weights_NN = encode(images, neighbours_NK, k1, scale)
    if k2 > 1:
        weights_NN = mean_of_nearest(weights_NN, neighbours_NK[:, :k2])
    # columns: only images that share a neighbour with the query are visited
    gallery_GN = weights_NN[len(images.qf) :].tocsc()
    for query, row in enumerate(result, start=own_first):
        row += (1 - lambda_value) * jaccard_distance(
            weights_NN[query], gallery_GN
        )
    return result


def check_rerank(k1: int, k2: int, lambda_value: float, variant: str) -> None:
    """Raise if arguments of ``rerank`` are out of range."""
    check_choice('variant', variant, VARIANTS)
    check_interval('[0, 1]', lambda_value=lambda_value)
    check_at_least(1, k1=k1, k2=k2)
    check_interval(f'[1, {k1}]', k2=k2)  # at most k1


class Images:
    """Queries ``(Q, D)`` and gallery ``(G, D)`` as one list, without a copy.

    Attributes:
        squares: ``(N,)`` squared norms.
    """

    def __init__(self, qf: np.ndarray, gf: np.ndarray) -> None:
        check_pair(qf, gf)
        dtype = np.result_type(qf, gf)
        self.qf = qf.astype(dtype, copy=False)
        self.gf = gf.astype(dtype, copy=False)
        self.squares = np.concatenate(
            [np.einsum('nd,nd->n', f, f) for f in (self.qf, self.gf)]
        )

    def __len__(self) -> int:
        return len(self.squares)

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield a first image and ``(B, N)`` squared distances from there."""
        split = len(self.qf)
        rows = max(1, _BLOCK_BYTES // (len(self) * self.squares.itemsize))
        for offset, features in ((0, self.qf), (split, self.gf)):
            for start in range(0, len(features), rows):
                part = features[start : start + rows]
                first = offset + start
                block = np.empty((len(part), len(self)), self.squares.dtype)
                np.matmul(part, self.qf.T, out=block[:, :split])
                np.matmul(part, self.gf.T, out=block[:, split:])
                block *= -2
                block += self.squares
                block += self.squares[first : first + len(part), None]
                yield first, np.maximum(block, 0, out=block)

    def distances(self, image: int, others: np.ndarray) -> np.ndarray:
        """Return squared distances of an image to others, ascending rows."""
        split = len(self.qf)
        cut = int(np.searchsorted(others, split))
        own = self.qf[image] if image < split else self.gf[image - split]
        dot = np.concatenate(
            [self.qf[others[:cut]] @ own, self.gf[others[cut:] - split] @ own]
        )
        found = self.squares[others] + self.squares[image] - 2 * dot
        return np.maximum(found, 0)


def encode(
    images: Images, neighbours_NK: np.ndarray, k1: int, scale: np.ndarray
) -> csr_matrix:
    """Return ``(N, N)`` float32 encodings; rows sum to 1 (equation 7).

    Distances of image i are divided by ``scale[i]``.
    """
    half = round(k1 / 2) + 1  # rounds half to even, as np.around in the code
    members = expanded(
        reciprocal(neighbours_NK), reciprocal(neighbours_NK[:, :half])
    )
    weights = np.empty(members.nnz, np.float32)
    for image in range(len(images)):
        own = slice(members.indptr[image], members.indptr[image + 1])
        if own.start < own.stop:
            near = images.distances(image, members.indices[own])
            near = near / scale[image]
            # divided by the largest weight, which cancels: no underflow
            weight = np.exp(near.min() - near)
            weights[own] = weight / weight.sum()
    return csr_matrix(
        (weights, members.indices, members.indptr), shape=members.shape
    )


def neighbour_matrix(neighbours_NK: np.ndarray, value: Any) -> csr_matrix:
    """Return ``(N, N)`` with ``value`` at the neighbours of each row."""
    count, k = neighbours_NK.shape
    ptr = np.arange(0, count * k + 1, k)
    values = np.full(count * k, value)
    return csr_matrix((values, neighbours_NK.ravel(), ptr), (count, count))


def reciprocal(neighbours_NK: np.ndarray) -> csr_matrix:
    """Return ``(N, N)`` int32, 1 where each is a neighbour of the other."""
    forward = neighbour_matrix(neighbours_NK, np.int32(1))
    return forward.multiply(forward.T).tocsr()


def expanded(near: csr_matrix, half: csr_matrix) -> csr_matrix:
    """Add the neighbours of neighbours (equation 5).

    The neighbourhood of a neighbour for half of k is added if more than two
    thirds of it are neighbours already. Of the result, ``(N, N)`` with sorted
    columns, only the pattern matters.
    """
    near.sort_indices()
    sizes = np.diff(half.indptr)
    # [i, j]: how many neighbours of j (for half of k) are neighbours of i,
    # where j is a neighbour of i
    overlap = near.multiply(near @ half).tocsr()
    # multiplied as in the code of the paper: exact thirds round the same way
    is_added = overlap.data > 2 / 3 * sizes[overlap.indices]
    overlap.data = is_added.astype(np.int32)
    overlap.eliminate_zeros()
    result = (near + overlap @ half).tocsr()
    result.sort_indices()
    return result


def mean_of_nearest(
    weights_NN: csr_matrix, neighbours_NK: np.ndarray
) -> csr_matrix:
    """Average the encoding of each image over its neighbours (section 3.4)."""
    weight = weights_NN.dtype.type(1 / neighbours_NK.shape[1])
    return neighbour_matrix(neighbours_NK, weight) @ weights_NN


def jaccard_distance(row_N: csr_matrix, gallery_GN: csc_matrix) -> np.ndarray:
    """Return ``(G,)`` Jaccard distances of one encoding (equation 10).

    All encodings sum to 1.
    """
    low = gallery_GN.indptr[row_N.indices]
    length = gallery_GN.indptr[row_N.indices + 1] - low
    ends = np.cumsum(length)
    # entries of the gallery in the columns where the row is not zero
    entry = np.repeat(low - (ends - length), length)
    entry += np.arange(len(entry), dtype=entry.dtype)
    shared = np.minimum(gallery_GN.data[entry], np.repeat(row_N.data, length))
    owner, num_gallery = gallery_GN.indices[entry], gallery_GN.shape[0]
    minima = np.bincount(owner, shared, minlength=num_gallery)
    # sums of minima and maxima of two rows that sum to 1 add up to 2
    return np.maximum(1 - minima / (2 - minima), 0)
