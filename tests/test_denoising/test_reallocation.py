import numpy as np
import pytest

from mmcion.denoising.reallocation import reallocate
from mmcion.structures import FeatureStore
from mmcion.utils.rank_pool import RankPool

from .planted import naive_reallocate, random_case, rows_of


def reallocated(table, features, identity, **options):
    return reallocate(table, features, identity, **options, ranks=RankPool())


@pytest.mark.parametrize('exclude', [True, False])
@pytest.mark.parametrize(('sigma', 'max_ratio'), [(0.9, 1.0), (0.7, 0.7)])
@pytest.mark.parametrize('seed', range(5))
def test_equals_brute_force(seed, sigma, max_ratio, exclude):
    rng = np.random.default_rng(seed)
    table, features, labels = random_case(seed, rows=150, frames=40)
    # five identities that span videos
    identity = np.where(labels.keep, labels.identity % 5, -1)
    unreadable = rng.choice(np.flatnonzero(identity < 0), 2, replace=False)
    feats = features[:]
    holes = feats.copy()
    holes[unreadable] = 0
    features = FeatureStore(holes, {'unreadable': unreadable.tolist()})
    before = identity.copy()

    found = reallocated(
        table,
        features,
        identity,
        sigma=sigma,
        max_ratio=max_ratio,
        exclude_cooccurring=exclude,
    )

    expected = naive_reallocate(
        table, feats, before, sigma, max_ratio, exclude, unreadable
    )
    assert found.tolist() == expected.tolist()
    assert np.array_equal(identity, before)
    assert not np.array_equal(found, before)


def test_rows_are_given_to_identities_and_none_is_taken_away():
    table, features, labels = random_case(0)
    found = reallocated(
        table,
        features,
        labels.identity,
        sigma=2,
        max_ratio=1,
        exclude_cooccurring=False,
    )
    assert np.array_equal(found[labels.keep], labels.identity[labels.keep])
    for rows in rows_of(found).values():
        assert labels.keep[rows].any()


@pytest.mark.parametrize('pooled', [[], [0, 1, 2], slice(None)])
def test_little_to_propose(pooled):
    table, features, _ = random_case(0)
    identity = table.tracklet_index.copy()
    identity[pooled] = -1
    found = reallocated(
        table,
        features,
        identity,
        sigma=1e-9,
        max_ratio=1,
        exclude_cooccurring=True,
    )
    assert np.array_equal(found, identity)
