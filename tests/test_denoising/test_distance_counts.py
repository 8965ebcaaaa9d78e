import numpy as np
import pytest

from mmcion.denoising.functional import distance_counts
from mmcion.denoising.functional.distance_counts import (
    DISTANCE_EDGES,
    count_distances,
)

from .planted import unit


def vectors_in_groups(seed, count, dim=8):
    rng = np.random.default_rng(seed)
    return unit(rng.normal(size=(count, dim))), rng.integers(0, 4, count)


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize(('rows', 'columns'), [(1024, 8192), (7, 5)])
def test_equals_brute_force(seed, rows, columns, monkeypatch):
    monkeypatch.setattr(distance_counts, '_ROWS', rows)
    monkeypatch.setattr(distance_counts, '_COLUMNS', columns)
    vectors, group = vectors_in_groups(seed, 50)
    distance = 1 - vectors @ vectors.T
    distance = distance[group[:, None] != group]

    found, is_complete = count_distances(vectors, group)

    assert is_complete
    assert found.sum() == len(distance)
    # float32 may put a distance into the next bin
    expected = np.searchsorted(np.sort(distance), DISTANCE_EDGES[1:])
    assert np.abs(np.cumsum(found) - expected).max() <= 2


def test_equal_and_opposite_vectors_are_in_the_outer_bins():
    vectors = np.array([[1.0, 0], [1, 0], [-1, 0]])
    found, _ = count_distances(vectors, np.arange(3))
    assert np.flatnonzero(found).tolist() == [0, len(DISTANCE_EDGES) - 2]
    assert found[[0, -1]].tolist() == [2, 4]


def test_very_many_are_sampled(monkeypatch):
    monkeypatch.setattr(distance_counts, '_MAX_PAIRS', 2000)
    vectors, group = vectors_in_groups(0, 400)
    found, is_complete = count_distances(vectors, group)
    assert not is_complete
    # ten evenly spread vectors are compared with all
    chosen = np.linspace(0, 399, 10).round().astype(int)
    other = group[chosen, None] != group
    assert found.sum() == other.sum()


@pytest.mark.parametrize('count', [0, 1])
def test_too_few_vectors_have_no_pairs(count):
    found, _ = count_distances(np.ones((count, 3)), np.zeros(count, int))
    assert not found.any()
