import numpy as np
import pytest

from mmcion.denoising.functional import normalise
from mmcion.denoising.grouped_rows import (
    GroupedRows,
    cut,
    own_distance,
    row_ranges,
    sum_features,
)

from .planted import centroid, random_case, rows_of


@pytest.mark.parametrize('seed', range(8))
def test_rows_of_every_identity_in_order(seed):
    rng = np.random.default_rng(seed)
    identity = rng.integers(-1, 12, rng.integers(1, 60))
    identity[identity == 5] = 3  # a number that nobody has

    groups = GroupedRows(identity)

    assert len(groups) == identity.max() + 1
    for k in range(len(groups)):
        assert groups[k].tolist() == np.flatnonzero(identity == k).tolist()
        assert groups.sizes[k] == (identity == k).sum()
    assert len(groups.rows) == (identity >= 0).sum()


@pytest.mark.parametrize('identity', [[], [-1, -1]])
def test_nobody_has_rows(identity):
    groups = GroupedRows(np.array(identity, np.int32))
    assert len(groups) == len(groups.rows) == len(groups.sizes) == 0
    assert cut(groups.ptr) == []


@pytest.mark.parametrize('size', [1, 7, 1000])
@pytest.mark.parametrize('seed', range(5))
def test_runs_cover_all_groups_and_reach_their_size(seed, size):
    rng = np.random.default_rng(seed)
    ptr = np.concatenate(([0], np.cumsum(rng.choice([0, 1, 3, 20], 30))))

    runs = cut(ptr, size)

    firsts, lasts = zip(*runs, strict=True)
    assert firsts == (0, *lasts[:-1])
    assert lasts[-1] == 30
    for first, last in runs:
        assert first < last
        assert ptr[last - 1] - ptr[first] < size
    for first, last in runs[:-1]:
        assert ptr[last] - ptr[first] >= size


def test_ranges_cover_all_rows():
    assert row_ranges(0) == []
    assert row_ranges(7, 3) == [(0, 3), (3, 6), (6, 7)]
    assert row_ranges(6, 3) == [(0, 3), (3, 6)]


@pytest.mark.parametrize('seed', range(5))
def test_sums_and_distances_do_not_depend_on_the_ranges(monkeypatch, seed):
    _, features, labels = random_case(seed)
    identity = labels.contiguous().identity
    results = []
    for size in (1, 7, 1 << 15):
        monkeypatch.setattr('mmcion.denoising.grouped_rows.SHARD_ROWS', size)
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
    nobody = np.full_like(labels.identity, -1)
    sums = sum_features(features, nobody)
    assert sums.shape == (0, 6)
    assert np.isnan(own_distance(features, sums, nobody)).all()
