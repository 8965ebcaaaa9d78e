import numpy as np
import pytest

from mmcion.denoising.functional import normalise
from mmcion.denoising.grouped_rows import (
    add_features,
    cut,
    map_groups,
    own_distance,
    sum_features,
    sums_and_distances,
)
from mmcion.structures import IdentityLabels
from mmcion.utils.rank_pool import RankPool

from .planted import centroid, random_case, rows_of

CHUNK_ROWS = 'mmcion.denoising.grouped_rows.CHUNK_ROWS'


@pytest.mark.parametrize('size', [1, 7, 1000])
@pytest.mark.parametrize('seed', range(5))
def test_runs_cover_all_groups_and_reach_their_size(monkeypatch, seed, size):
    monkeypatch.setattr(CHUNK_ROWS, size)
    rng = np.random.default_rng(seed)
    ptr = np.concatenate(([0], np.cumsum(rng.choice([0, 1, 3, 20], 30))))

    runs = cut(ptr)

    firsts, lasts = zip(*runs, strict=True)
    assert firsts == (0, *lasts[:-1])
    assert lasts[-1] == 30
    for first, last in runs:
        assert first < last
        assert ptr[last - 1] - ptr[first] < size
    for first, last in runs[:-1]:
        assert ptr[last] - ptr[first] >= size


@pytest.mark.parametrize('size', [1, 4, 100])
def test_results_of_groups_are_joined_in_order(monkeypatch, size):
    monkeypatch.setattr(CHUNK_ROWS, size)
    ptr = np.array([0, 3, 3, 5, 9])
    calls = []

    def work(first, last):
        calls.append((first, last))
        return {
            'group': np.arange(first, last),
            'row': np.arange(ptr[first], ptr[last]),
        }

    found = map_groups(RankPool(), 'work', work, ptr)

    assert calls == cut(ptr)
    assert found['group'].tolist() == [0, 1, 2, 3]
    assert found['row'].tolist() == list(range(9))


def test_no_groups_give_empty_arrays():
    found = map_groups(
        RankPool(),
        'work',
        lambda first, last: {'x': np.zeros(last - first, np.int32)},
        np.array([0]),
    )
    assert found['x'].shape == (0,)
    assert found['x'].dtype == np.int32


@pytest.mark.parametrize('seed', range(5))
def test_sums_and_distances_do_not_depend_on_the_ranges(monkeypatch, seed):
    _, features, labels = random_case(seed)
    identity = labels.contiguous().identity
    results = []
    for size in (1, 7, 1 << 15):
        monkeypatch.setattr(CHUNK_ROWS, size)
        sums = sum_features(features, identity)
        away = own_distance(features, normalise(sums), identity)
        results.append((sums, away))

    for sums, away in results:
        assert np.array_equal(sums, results[0][0])
        assert np.array_equal(away, results[0][1], equal_nan=True)
    sums, away = results[0]
    assert np.isnan(away[identity < 0]).all()
    for k, rows in rows_of(identity).items():
        feats = features[rows].astype(np.float64)
        assert np.array_equal(sums[k], feats.sum(0))
        expected = 1 - feats @ centroid(feats)
        np.testing.assert_allclose(away[rows], expected, atol=1e-12)


def test_identity_without_rows_has_a_zero_sum():
    _, features, labels = random_case(0)
    identity = labels.identity.copy()
    identity[identity == 2] = -1
    assert not sum_features(features, identity)[2].any()


def test_nothing_assigned_has_no_sums():
    _, features, labels = random_case(0)
    unassigned = np.full_like(labels.identity, -1)
    sums = sum_features(features, unassigned)
    assert sums.shape == (0, 6)
    assert np.isnan(own_distance(features, sums, unassigned)).all()


@pytest.mark.parametrize('size', [1, 30, 1000])
@pytest.mark.parametrize('spans', [False, True])
@pytest.mark.parametrize('seed', range(3))
def test_one_reading_gives_what_two_do(monkeypatch, seed, spans, size):
    _, features, labels = random_case(seed)
    identity = labels.identity
    if spans:  # identities that lie anywhere
        identity = np.random.default_rng(seed).permutation(identity)
    identity = IdentityLabels(identity).contiguous().identity
    sums = sum_features(features, identity)
    distance = own_distance(features, normalise(sums), identity)
    monkeypatch.setattr(CHUNK_ROWS, size)
    found = sums_and_distances(features, identity)
    assert np.array_equal(found[0], sums)
    assert np.array_equal(found[1], distance, equal_nan=True)
    nothing = sums_and_distances(features, np.full_like(identity, -1))
    assert nothing[0].shape == (0, features.dim)
    assert np.isnan(nothing[1]).all()


def test_rows_are_added_in_chunks(monkeypatch):
    monkeypatch.setattr(CHUNK_ROWS, 3)
    _, features, _ = random_case(0)
    ids = np.random.default_rng(0).integers(0, 4, len(features))
    sums = np.zeros((4, features.dim))
    rows = np.random.default_rng(1).permutation(len(features))
    add_features(sums, features, rows, ids[rows])
    assert np.array_equal(sums, sum_features(features, ids))
