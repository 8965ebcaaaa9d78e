import numpy as np
import pytest
from scipy.sparse import csr_matrix

from mmcion.evaluation.functional.k_reciprocal import (
    expanded,
    jaccard_distance,
    mean_of_nearest,
    reciprocal,
)


def sets_of(matrix):
    return [set(row.indices.tolist()) for row in matrix]


def test_neighbours_both_ways():
    neighbours = np.array([[0, 1], [1, 2], [2, 1], [3, 0]])
    near = reciprocal(neighbours)
    assert sets_of(near) == [{0}, {1, 2}, {1, 2}, {3}]


def pattern(*rows):
    matrix = np.zeros((len(rows), len(rows)), np.int32)
    for row, members in zip(matrix, rows, strict=True):
        row[members] = 1
    return csr_matrix(matrix)


@pytest.mark.parametrize(
    ('group', 'neighbours', 'members'),
    [
        ([1, 2, 3], [0, 1, 2], {0, 1, 2}),  # two of three are not more
        ([1, 2, 3, 4], [0, 1, 2, 3], {0, 1, 2, 3, 4}),
        ([1, 2, 3, 4], [0, 1, 2], {0, 1, 2}),
    ],
)
def test_sets_that_share_more_than_two_thirds_are_added(
    group, neighbours, members
):
    near = pattern(neighbours, [0, 1], [0, 2], [0, 3], [4])
    half = pattern([0], *(group if i in group else [i] for i in range(1, 5)))
    assert sets_of(expanded(near, half))[0] == members


def test_mean_of_rows():
    weights = np.array([[1.0, 0, 0], [0, 0.5, 0.5], [0, 0, 1]])
    mean = mean_of_nearest(
        csr_matrix(weights), np.array([[0, 1], [1, 2], [2, 1]])
    )
    np.testing.assert_allclose(
        mean.toarray(), [[0.5, 0.25, 0.25], [0, 0.25, 0.75], [0, 0.25, 0.75]]
    )


@pytest.mark.parametrize('seed', range(3))
def test_jaccard_equals_the_dense_sums(seed):
    rng = np.random.default_rng(seed)
    dense = rng.random((30, 40)) * (rng.random((30, 40)) < 0.2)
    dense[3] = 0
    dense[:2, :20] = 1  # never empty
    dense[1:3] = dense[1]
    dense /= np.maximum(dense.sum(axis=1, keepdims=True), 1e-9)
    columns = csr_matrix(dense).tocsc()
    for query in range(4):
        low = np.minimum(dense[query], dense).sum(axis=1)
        high = np.maximum(dense[query], dense).sum(axis=1)
        if query != 3:
            expected = 1 - low / np.where(high > 0, high, 1)
            found = jaccard_distance(csr_matrix(dense[query]), columns)
            full = dense.sum(axis=1) > 0
            np.testing.assert_allclose(found[full], expected[full], atol=1e-12)
            assert (found[~full] == 1).all()
