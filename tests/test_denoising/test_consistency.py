import numpy as np
import pytest

from mmcion.denoising.functional import consistent_rows, normalise

from .planted import centroid, unit

TIE = 1e-12


def naive_rows(feats, sigma):
    """Level 1 as it is defined, recomputing everything every round."""
    feats = np.asarray(feats, np.float64)
    rows = list(range(len(feats)))
    while rows:
        mean = feats[rows].mean(0)
        norm = np.linalg.norm(mean)
        center = mean / norm if norm > 1e-7 else np.zeros_like(mean)
        distance = 1 - feats[rows] @ center
        if distance.max() <= sigma + TIE:
            break
        ties = np.flatnonzero(distance >= distance.max() - TIE)
        rows.pop(ties[-1])
    return rows


@pytest.mark.parametrize('sigma', [1e-3, 0.05, 0.2, 0.5, 1.0, 1.9])
@pytest.mark.parametrize('dim', [2, 5, 64])
def test_equals_the_naive_loop(dim, sigma):
    rng = np.random.default_rng(dim)
    for size in range(1, 61):
        noise = rng.choice([0.1, 0.5, 2.0])
        feats = unit(
            rng.normal(size=dim) + noise * rng.normal(size=(size, dim))
        )
        keep = consistent_rows(feats.astype(np.float32), sigma)
        expected = naive_rows(feats.astype(np.float32), sigma)
        assert np.flatnonzero(keep).tolist() == expected


@pytest.mark.parametrize('seed', range(20))
def test_equals_the_naive_loop_with_duplicates(seed):
    rng = np.random.default_rng(seed)
    # few directions, each many times: every round has ties
    feats = unit(rng.normal(size=(4, 8)))[rng.integers(0, 4, 40)]
    for sigma in (0.05, 0.3, 0.6, 1.0):
        keep = consistent_rows(feats, sigma)
        assert np.flatnonzero(keep).tolist() == naive_rows(feats, sigma)


def test_of_equally_far_rows_the_later_goes_first():
    angle = np.radians([0, 0, 0, 40, -40])
    feats = np.stack((np.cos(angle), np.sin(angle)), 1)
    # with both 40-degree rows d = 1 - cos 40 = 0.234; then the centroid
    # turns towards row 3, which is 0.156 from it
    assert consistent_rows(feats, 0.2).tolist() == [True] * 4 + [False]
    assert consistent_rows(feats, 0.1).tolist() == [True] * 3 + [False] * 2


def test_centroid_is_updated_between_removals():
    # the outlier at 90 degrees alone drives row 3 beyond sigma
    angle = np.radians([0, 0, 0, -20, 90])
    feats = np.stack((np.cos(angle), np.sin(angle)), 1)
    first = 1 - feats @ centroid(feats)
    assert first[3] > 0.1
    assert consistent_rows(feats, 0.1).tolist() == [True] * 4 + [False]


@pytest.mark.parametrize(
    'degrees', [[0, 180], [0, 120, 240], [0, 90, 180, 270]]
)
def test_nothing_is_farther_than_two(degrees):
    angle = np.radians(degrees)
    feats = np.stack((np.cos(angle), np.sin(angle)), 1)
    assert consistent_rows(feats, 2).all()


def test_strict_sigma_leaves_equal_rows():
    feats = unit(np.random.default_rng(0).normal(size=(6, 16)))
    feats[4] = feats[1]
    assert 1 <= consistent_rows(feats, 1e-5).sum() <= 2


def test_no_rows():
    assert consistent_rows(np.zeros((0, 3)), 0.5).shape == (0,)


@pytest.mark.parametrize('seed', range(10))
def test_what_stays_is_consistent(seed):
    rng = np.random.default_rng(seed)
    feats = unit(rng.normal(size=(50, 8)) + 1)
    for sigma in (0.05, 0.2, 0.5):
        keep = consistent_rows(feats, sigma)
        far = 1 - feats[keep] @ centroid(feats[keep])
        assert far.max() <= sigma + 1e-9


def test_input_is_not_changed():
    feats = unit(np.random.default_rng(0).normal(size=(10, 4)))
    before = feats.copy()
    consistent_rows(feats, 0.3)
    assert np.array_equal(feats, before)


def test_normalise_keeps_zero():
    found = normalise(np.array([[3.0, 4.0], [0.0, 0.0]]))
    assert found.tolist() == [[0.6, 0.8], [0, 0]]
