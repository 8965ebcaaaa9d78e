import numpy as np
import pytest

from mmcion.denoising import noise_rates
from mmcion.structures import IdentityLabels

from .planted import angles, centroid, random_case, rows_of, store

NO_NOISE = dict.fromkeys(
    ('intra', 'inter', 'n_cst', 'n_drm', 'n_s', 'n_s_error'), 0
)


def distances_between(features, labels):
    """Return distances of all identities, infinite on the diagonal."""
    members = rows_of(labels.identity).values()
    centers = np.array([centroid(features[rows]) for rows in members])
    distance = 1 - centers @ centers.T
    np.fill_diagonal(distance, np.inf)
    return distance


def rates_by_brute_force(features, labels, sigma, delta):
    """Eq. 1 to 3, of M x M pairs."""
    feats = [features[rows] for rows in rows_of(labels.identity).values()]
    far = [1 - f @ centroid(f) > sigma for f in feats]
    near = distances_between(features, labels) < delta
    n_cst = sum(some.any() for some in far)
    return {
        'intra': np.concatenate(far).mean(),
        'inter': near.any(1).mean(),
        'n_cst': n_cst,
        'n_drm': near.sum(),
        'n_s': (n_cst + near.sum()) / len(feats),
        'n_s_error': 0,
    }


@pytest.mark.parametrize('seed', range(5))
def test_equals_brute_force(seed):
    _, features, labels = random_case(seed)
    results = []
    for sigma, delta in ((0.1, 0.05), (0.3, 0.3), (0.8, 1.2)):
        found = noise_rates(features, labels, sigma, delta)
        expected = rates_by_brute_force(features, labels, sigma, delta)
        assert found == pytest.approx(expected)
        results += found.values()
    assert len(set(results)) > 6
    assert all(isinstance(value, int | float) for value in results)


@pytest.mark.parametrize('size', [1, 9])
def test_size_of_the_chunks_changes_nothing(monkeypatch, size):
    _, features, labels = random_case(0)
    whole = noise_rates(features, labels, 0.3, 0.3)
    monkeypatch.setattr('mmcion.denoising.grouped_rows.CHUNK_ROWS', size)
    assert noise_rates(features, labels, 0.3, 0.3) == whole


@pytest.mark.parametrize('size', [1, 3, 8, 14])
def test_of_many_identities_some_are_measured(size, monkeypatch):
    monkeypatch.setattr('mmcion.denoising.noise.MAX_IDENTITIES', 14)
    monkeypatch.setattr('mmcion.denoising.noise.SAMPLE', size)
    _, features, labels = random_case(1)
    distance = distances_between(features, labels)
    count = len(distance)
    assert count > 14
    chosen = np.linspace(0, count - 1, size).round().astype(int)
    assert len(set(chosen.tolist())) == size
    for delta in (0.1, 0.4, 0.9):
        found = noise_rates(features, labels, 0.3, delta)
        near = (distance < delta).sum(1)[chosen]
        assert found['inter'] == (near > 0).mean()
        mean = near.mean()
        assert found['n_drm'] == round(mean * count)
        assert found['n_s'] == pytest.approx(mean + found['n_cst'] / count)


def test_standard_error_of_the_estimate(monkeypatch):
    # the estimate of random samples scatters by as much as it says
    rng = np.random.default_rng(0)
    features = store(rng.normal(size=(300, 3)))
    exact = noise_rates(features, IdentityLabels(np.arange(300)), 0.1, 0.1)[
        'n_s'
    ]
    monkeypatch.setattr('mmcion.denoising.noise.MAX_IDENTITIES', 100)
    monkeypatch.setattr('mmcion.denoising.noise.SAMPLE', 60)
    found = []
    for _ in range(100):
        # which rows are chosen depends on the order
        order = rng.permutation(300)
        shuffled = store(features[:][order])
        rates = noise_rates(shuffled, IdentityLabels(np.arange(300)), 0.1, 0.1)
        found.append((rates['n_s'], rates['n_s_error']))
    estimates, errors = np.array(found).T
    assert abs(estimates.mean() - exact) < 0.3 * errors.mean()
    assert estimates.std() == pytest.approx(errors.mean(), rel=0.25)


def test_counts_are_those_of_the_equations():
    # three identities: two 0.2 apart, one with an image at 1 - sqrt(1/2)
    features = store([[1, 0, 0], [0.8, 0.6, 0], [0, 0, 1], [0, -1, 0]])
    labels = IdentityLabels(np.array([0, 1, 2, 2]))
    found = noise_rates(features, labels, 0.2, 0.3)
    assert (found['n_cst'], found['n_drm']) == (1, 2)
    assert found['n_s'] == 1  # (1 + 2) / 3
    assert found['n_s_error'] == 0


def test_border_of_a_criterion_is_no_noise():
    # two identities at exactly delta; images at exactly sigma
    features = store([[0.8, 0.6, 0], [0.8, -0.6, 0], [0, 0, 1]])
    labels = IdentityLabels(np.array([0, 0, 1]))
    assert noise_rates(features, labels, 0.2, 1.0) == NO_NOISE


def test_one_identity_has_no_other():
    features = store([[1, 0], [1, 0]])
    labels = IdentityLabels(np.array([3, 3]))
    assert noise_rates(features, labels, 0.1, 2.0)['inter'] == 0


def test_zero_exactly_when_the_criteria_hold():
    # identities at 0 and 90 degrees; the first spreads by 20 degrees
    features = store(angles(-20, 20, 90, 90))
    labels = IdentityLabels(np.array([0, 0, 1, 1]))
    radius = 1 - np.cos(np.radians(20))
    clean = noise_rates(features, labels, radius, 1.0)
    assert clean == NO_NOISE
    rates = noise_rates(features, labels, radius - 1e-3, 1.0 + 1e-3)
    assert (rates['intra'], rates['inter']) == (0.5, 1)
    assert rates['n_s'] == 1.5  # one of two spreads, two pairs


def test_pooled_rows_do_not_count():
    features = store([[1, 0], [1, 0], [-1, 0]])
    labels = IdentityLabels(np.array([4, 4, -1]))
    assert noise_rates(features, labels, 0.1, 1) == NO_NOISE


def test_nothing_assigned_is_no_noise():
    features = store([[1, 0], [0, 1]])
    labels = IdentityLabels(np.array([-1, -1]))
    assert noise_rates(features, labels, 0.1, 1) == NO_NOISE
