import numpy as np
import pytest

from mmcion.denoising import noise_rates
from mmcion.structures import IdentityLabels

from .planted import centroid, random_case, store


def rates_by_brute_force(features, labels, sigma, delta):
    ids = np.unique(labels.identity[labels.keep])
    feats = [features[np.flatnonzero(labels.identity == k)] for k in ids]
    centers = np.array([centroid(f) for f in feats])
    far = [1 - f @ c > sigma for f, c in zip(feats, centers, strict=True)]
    distance = 1 - centers @ centers.T
    np.fill_diagonal(distance, np.inf)
    return {
        'intra': np.concatenate(far).mean(),
        'inter': (distance.min(1) < delta).mean(),
    }


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('block', [9, 1 << 15])
def test_equals_brute_force(monkeypatch, seed, block):
    monkeypatch.setattr('mmcion.denoising.noise._BLOCK', block)
    _, features, labels = random_case(seed)
    for sigma, delta in ((0.1, 0.05), (0.3, 0.3), (0.8, 1.2)):
        found = noise_rates(features, labels, sigma, delta)
        expected = rates_by_brute_force(features, labels, sigma, delta)
        assert found == pytest.approx(expected)


def test_zero_exactly_when_the_criteria_hold():
    # identities at 0 and 90 degrees; the first spreads by 20 degrees
    angle = np.radians([-20, 20, 90, 90])
    features = store(np.stack((np.cos(angle), np.sin(angle)), 1))
    labels = IdentityLabels(np.array([0, 0, 1, 1]))
    radius = 1 - np.cos(np.radians(20))
    clean = noise_rates(features, labels, radius, 1.0)
    assert clean == {'intra': 0, 'inter': 0}
    rates = noise_rates(features, labels, radius - 1e-3, 1.0 + 1e-3)
    assert rates == {'intra': 0.5, 'inter': 1}


def test_pooled_rows_do_not_count():
    features = store([[1, 0], [1, 0], [-1, 0]])
    labels = IdentityLabels(np.array([4, 4, -1]))
    assert noise_rates(features, labels, 0.1, 1) == {'intra': 0, 'inter': 0}


def test_nothing_assigned_is_no_noise():
    features = store([[1, 0], [0, 1]])
    labels = IdentityLabels(np.array([-1, -1]))
    assert noise_rates(features, labels, 0.1, 1) == {'intra': 0, 'inter': 0}
