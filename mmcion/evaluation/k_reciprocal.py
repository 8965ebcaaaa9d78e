"""k-reciprocal encodings and the Jaccard distances of them.

No ``(N, N)`` matrix exists: distances are computed for a block of rows at a
time, and encodings are sparse.

Shapes: N images, in re-ranking the Q queries followed by the G gallery images;
K nearest neighbours of each, itself included.

Source: Zhong et al., "Re-ranking person re-identification with k-reciprocal
encoding", CVPR 2017; sections and equations below are of this paper.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix
from torch import Tensor

from mmcion.utils.checks import check_interval
from mmcion.utils.neighbours import (
    dot_products,
    nearest_columns,
    to_search_device,
)

from .distances import as_features, check_pair

_BLOCK_BYTES = 32 * 2**20


def jaccard_graph(
    features: Any, k1: int = 30, k2: int = 6, max_distance: float = 1.0
) -> csr_matrix:
    """Return the Jaccard distances of near images, for clustering.

    The image itself is one of its ``k1`` neighbours, as in ``rerank`` with
    ``variant='faiss'`` and ``lambda_value=0``; the original distance does not
    count. Normalise the features to compare images by cosine.

    Args:
        features: ``(N, D)``, array or tensor.
        k1: Number of neighbours in the encoding.
        k2: Number of neighbours, the image included, whose encodings are
            averaged; 1 for no averaging.
        max_distance: Largest distance that is kept, in [0, 1].

    Returns:
        ``(N, N)`` float64, symmetric, with sorted columns. Pairs that are
        further apart or share no neighbour, at distance 1, have no entry;
        distances of 0, such as the diagonal's, have one.

    Raises:
        UserError: If there are fewer than ``k1`` images.

    Source: Code of OpenUnReID and Cluster Contrast.
    """
    features = as_features(features, 'features')
    check_interval(f'[1, {len(features)}]', k1=k1)  # at most N
    check_interval(f'[1, {k1}]', k2=k2)
    check_interval('[0, 1]', max_distance=max_distance)
    images = Images(features, features[:0])
    neighbours_NK = np.empty((len(images), k1), np.int32)
    for first, block in images.blocks():
        own = slice(first, first + len(block))
        neighbours_NK[own] = nearest_columns(block, k1).cpu().numpy()
    # float32 features have float32 encodings, half the memory
    dtype = features.dtype
    weights_NN = encode(images, neighbours_NK, k1, np.ones(len(images)), dtype)
    if k2 > 1:
        weights_NN = mean_of_nearest(weights_NN, neighbours_NK[:, :k2])
    # in the same order for (i, j) and (j, i): sums are equal to the last bit
    weights_NN.sort_indices()
    columns_NN = weights_NN.tocsc()
    near, distances = [], []
    for image in range(len(images)):
        found = jaccard_distance(weights_NN[image], columns_NN)
        near.append(np.flatnonzero((found <= max_distance) & (found < 1)))
        distances.append(found[near[-1]])
    ptr = np.cumsum([0, *map(len, near)])
    return csr_matrix(
        (np.concatenate(distances), np.concatenate(near), ptr),
        shape=weights_NN.shape,
    )


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

    def blocks(self) -> Iterator[tuple[int, Tensor]]:
        """Yield a first image and ``(B, N)`` squared distances from there."""
        qf, gf, squares = map(
            to_search_device, (self.qf, self.gf, self.squares)
        )
        split = len(qf)
        rows = max(1, _BLOCK_BYTES // (len(self) * self.squares.itemsize))
        for offset, features in ((0, qf), (split, gf)):
            for start in range(0, len(features), rows):
                part = features[start : start + rows]
                first = offset + start
                block = squares.new_empty(len(part), len(self))
                dot_products(part, qf, block[:, :split])
                dot_products(part, gf, block[:, split:])
                own = squares[first : first + len(part), None]
                block.mul_(-2).add_(squares).add_(own)
                yield first, block.clamp_(min=0)

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
    images: Images,
    neighbours_NK: np.ndarray,
    k1: int,
    scale: np.ndarray,
    dtype: Any = np.float32,
) -> csr_matrix:
    """Return ``(N, N)`` encodings; rows sum to 1 (equation 7).

    Distances of image i are divided by ``scale[i]``.
    """
    half = round(k1 / 2) + 1  # rounds half to even, as np.around in the code
    members = expanded(
        reciprocal(neighbours_NK), reciprocal(neighbours_NK[:, :half])
    )
    weights = np.empty(members.nnz, dtype)
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
