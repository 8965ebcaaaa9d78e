import numpy as np
import pytest

from mmcion.denoising.functional import add_rows, centroid_distance, normalise

from .planted import store


def random_case(seed):
    rng = np.random.default_rng(seed)
    feats = store(rng.normal(size=(60, 7)))[0:60]
    return feats, rng.integers(-1, 5, 60).astype(np.int32)


@pytest.mark.parametrize('seed', range(5))
def test_sums_are_added_to_what_is_there(seed):
    feats, ids = random_case(seed)
    sums = np.full((6, 7), 0.5)

    assert add_rows(sums, feats, ids) is None

    for k in range(6):
        expected = 0.5 + feats[ids == k].sum(0, dtype=np.float64)
        assert np.array_equal(sums[k], expected)


@pytest.mark.parametrize('seed', range(5))
def test_sums_do_not_depend_on_the_order(seed):
    feats, ids = random_case(seed)
    order = np.random.default_rng(seed).permutation(60)
    sums, shuffled = np.zeros((2, 5, 7))
    add_rows(sums, feats, ids)
    add_rows(shuffled, feats[order], ids[order])
    assert np.array_equal(sums, shuffled)


@pytest.mark.parametrize('seed', range(5))
def test_distance_to_the_own_centroid(seed):
    feats, ids = random_case(seed)
    centroids = normalise(np.random.default_rng(seed).normal(size=(5, 7)))

    found = centroid_distance(feats, centroids, ids)

    assert found.dtype == np.float64
    for row, k in enumerate(ids):
        if k < 0:
            assert np.isnan(found[row])
        else:
            exact = 1 - feats[row].astype(np.float64) @ centroids[k]
            assert found[row] == pytest.approx(exact, abs=1e-14)


def test_no_rows():
    nothing, ids = np.zeros((0, 3), np.float32), np.zeros(0, np.int32)
    sums = np.zeros((2, 3))
    add_rows(sums, nothing, ids)
    assert not sums.any()
    assert centroid_distance(nothing, sums, ids).shape == (0,)


def test_normalise_keeps_zero():
    found = normalise(np.array([[3.0, 4.0], [0.0, 0.0]]))
    assert found.tolist() == [[0.6, 0.8], [0, 0]]
