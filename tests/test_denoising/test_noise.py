import numpy as np
import pytest

from mmcion.denoising import noise_rates
from mmcion.structures import IdentityLabels

from .planted import angles, centroid, random_case, rows_of, store


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
def test_equals_brute_force(seed):
    _, features, labels = random_case(seed)
    results = []
    for sigma, delta in ((0.1, 0.05), (0.3, 0.3), (0.8, 1.2)):
        found = noise_rates(features, labels, sigma, delta)
        expected = rates_by_brute_force(features, labels, sigma, delta)
        assert found == pytest.approx(expected)
        results += found.values()
    assert len(set(results)) > 3


@pytest.mark.parametrize('size', [1, 9])
def test_size_of_the_chunks_changes_nothing(monkeypatch, size):
    _, features, labels = random_case(0)
    whole = noise_rates(features, labels, 0.3, 0.3)
    monkeypatch.setattr('mmcion.denoising.grouped_rows.CHUNK_ROWS', size)
    assert noise_rates(features, labels, 0.3, 0.3) == whole


@pytest.mark.parametrize('max_queries', [1, 3, 8, 14])
def test_of_many_identities_some_are_measured(max_queries, monkeypatch):
    monkeypatch.setattr('mmcion.denoising.noise.MAX_QUERIES', max_queries)
    _, features, labels = random_case(1)
    centers = np.array(
        [
            centroid(features[rows])
            for rows in rows_of(labels.identity).values()
        ]
    )
    distance = 1 - centers @ centers.T
    np.fill_diagonal(distance, np.inf)
    nearest = distance.min(1)
    queries = np.linspace(0, len(centers) - 1, max_queries).round().astype(int)
    assert len(set(queries.tolist())) == max_queries
    for delta in np.sort(nearest)[::3] + 1e-4:
        found = noise_rates(features, labels, 0.3, delta)
        assert found['inter'] == (nearest[queries] < delta).mean()


def test_border_of_a_criterion_is_no_noise():
    # two identities at exactly delta; images at exactly sigma
    features = store([[0.8, 0.6, 0], [0.8, -0.6, 0], [0, 0, 1]])
    labels = IdentityLabels(np.array([0, 0, 1]))
    assert noise_rates(features, labels, 0.2, 1.0) == {'intra': 0, 'inter': 0}


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
