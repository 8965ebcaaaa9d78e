"""k-reciprocal encoding of images, as sparse rows.

N images; ``neighbours_NK`` holds the rows of the K nearest images of each,
nearest first, the image itself included. Two images are k-reciprocal
neighbours if each is among the k nearest of the other.

Source: Zhong et al., "Re-ranking person re-identification with k-reciprocal
encoding", CVPR 2017, sections 3.2 to 3.4.
"""

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix


def reciprocal(neighbours_NK: np.ndarray) -> csr_matrix:
    """Return ``(N, N)`` int32 with 1 where two images are reciprocal."""
    count, k = neighbours_NK.shape
    forward = csr_matrix(
        (
            np.ones(count * k, np.int32),
            neighbours_NK.ravel(),
            np.arange(0, count * k + 1, k),
        ),
        shape=(count, count),
    )
    return forward.multiply(forward.T).tocsr()


def expanded(near: csr_matrix, half: csr_matrix) -> csr_matrix:
    """Add the neighbours of neighbours (equation 5).

    A neighbour's own, smaller set is added if more than two thirds of it
    are neighbours already.

    Args:
        near: ``(N, N)`` k-reciprocal neighbours.
        half: ``(N, N)`` reciprocal neighbours for half of k.

    Returns:
        ``(N, N)``, its columns sorted; only the pattern has a meaning.
    """
    near.sort_indices()
    sizes = np.diff(half.indptr)
    overlap = near.multiply(near @ half).tocsr()
    # the product as published: exact thirds fall as they do there
    overlap.data = (overlap.data > 2 / 3 * sizes[overlap.indices]).astype(
        np.int32
    )
    overlap.eliminate_zeros()
    result = (near + overlap @ half).tocsr()
    result.sort_indices()
    return result


def mean_of_nearest(
    weights: csr_matrix, neighbours_NK: np.ndarray
) -> csr_matrix:
    """Average every row with those of its neighbours (section 3.4)."""
    count, k = neighbours_NK.shape
    mean = csr_matrix(
        (
            np.full(count * k, 1 / k, weights.dtype),
            neighbours_NK.ravel(),
            np.arange(0, count * k + 1, k),
        ),
        shape=(count, count),
    )
    return mean @ weights


def jaccard_distance(row: csr_matrix, columns: csc_matrix) -> np.ndarray:
    """Return ``(G,)`` Jaccard distances of one encoding to G others.

    Only images that share a column are visited (equation 10).

    Args:
        row: ``(1, N)`` encoding; its sum is 1.
        columns: ``(G, N)`` encodings, by columns.
    """
    low = columns.indptr[row.indices]
    length = columns.indptr[row.indices + 1] - low
    ends = np.cumsum(length)
    entry = np.repeat(low - (ends - length), length)
    entry += np.arange(len(entry), dtype=entry.dtype)
    shared = np.minimum(columns.data[entry], np.repeat(row.data, length))
    size = columns.shape[0]
    both = np.bincount(columns.indices[entry], shared, minlength=size)
    return np.maximum(1 - both / (2 - both), 0)
