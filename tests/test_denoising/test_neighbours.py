import itertools

import numpy as np
import pytest

from mmcion.denoising.functional import (
    count_near,
    near_pairs,
    pair_distance,
)
from mmcion.utils.checks import UserError
from mmcion.utils.rank_pool import RankPool

from .planted import unit

NEIGHBOURS = 'mmcion.denoising.functional.neighbours'


def make_vectors(seed, count=70, dim=6):
    rng = np.random.default_rng(seed)
    vectors = unit(rng.normal(size=(count, dim)))
    vectors[count // 2] = vectors[3]  # a pair at distance zero
    return vectors, rng.integers(0, 4, count)


def pairs_by_brute_force(vectors, delta, wanted, half_width):
    pairs = []
    for i, j in itertools.combinations(range(len(vectors)), 2):
        distance = 1 - float(vectors[i] @ vectors[j])
        near = half_width is None or j - i <= half_width
        if distance < delta and wanted(i, j) and near:
            pairs.append((distance, i, j))
    return sorted(pairs)


@pytest.mark.parametrize('half_width', [None, 1, 7, 69, 200])
@pytest.mark.parametrize('groups', ['none', 'different', 'same', 'sorted'])
@pytest.mark.parametrize('seed', range(3))
def test_equals_brute_force(seed, groups, half_width, monkeypatch):
    monkeypatch.setattr(f'{NEIGHBOURS}._ROWS', 16)
    monkeypatch.setattr(f'{NEIGHBOURS}._MIN_ROWS', 3)
    vectors, group = make_vectors(seed)
    if groups == 'sorted':
        group.sort()
    same = groups in ('same', 'sorted')
    options = {'half_width': half_width, 'same_group': same}
    if groups != 'none':
        options['group'] = group

    first, second, distance = near_pairs(vectors, 0.5, **options)

    def wanted(i, j):
        return groups == 'none' or (group[i] == group[j]) == same

    expected = pairs_by_brute_force(vectors, 0.5, wanted, half_width)
    found = list(zip(first.tolist(), second.tolist(), strict=True))
    assert found == [(i, j) for _, i, j in expected]
    np.testing.assert_allclose(
        distance, [distance for distance, _, _ in expected], atol=1e-12
    )


def test_ordered_by_distance_then_by_index():
    vectors = np.array([[1.0, 0], [0.6, 0.8], [1, 0], [0.6, 0.8], [1, 0]])
    first, second, distance = near_pairs(vectors, 0.9, group=np.arange(5))
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [
        *((0, 2), (0, 4), (1, 3), (2, 4)),
        *((0, 1), (0, 3), (1, 2), (1, 4), (2, 3), (3, 4)),
    ]
    assert np.all(np.diff(distance) >= 0)


def test_more_vectors_than_columns_of_a_product(monkeypatch):
    vectors, group = make_vectors(0)
    expected = near_pairs(vectors, 0.5, group=group)
    for columns in (1, 16, 69):
        for rows in (5, 1024):
            monkeypatch.setattr(f'{NEIGHBOURS}._COLUMNS', columns)
            monkeypatch.setattr(f'{NEIGHBOURS}._ROWS', rows)
            found = near_pairs(vectors, 0.5, group=group)
            for a, b in zip(expected, found, strict=True):
                assert np.array_equal(a, b)


def test_everything_is_nearer_than_two():
    # at delta = 2 only opposite vectors are not near; sorted by distance
    vectors = np.array([[1.0, 0], [-1, 0], [0, 1]])
    first, second, distance = near_pairs(vectors, 2, group=np.arange(3))
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [
        (0, 2),
        (1, 2),
    ]
    assert distance.tolist() == [1, 1]


def test_work_of_finished_chunks_is_not_repeated(tmp_path, monkeypatch):
    monkeypatch.setattr(f'{NEIGHBOURS}._ROWS', 3)
    vectors, group = make_vectors(2)
    case = {'group': group, 'half_width': 20}
    alone = near_pairs(vectors, 0.5, **case)
    near_pairs(vectors, 0.5, **case, ranks=RankPool(tmp_path))
    assert len(list(tmp_path.iterdir())) > 10
    # the second run reads what the first has left: vectors are not looked at
    again = near_pairs(0 * vectors, 0.5, **case, ranks=RankPool(tmp_path))
    for a, b in zip(alone, again, strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize('half_width', [None, 20])
def test_block_size_changes_nothing(monkeypatch, half_width):
    vectors, group = make_vectors(0, count=100, dim=40)
    results = []
    for rows in (1, 3, 17, 100, 1024):
        monkeypatch.setattr(f'{NEIGHBOURS}._ROWS', rows)
        results.append(
            near_pairs(vectors, 0.95, group=group, half_width=half_width)
        )
    assert len(results[0][0]) > 50
    for found in results[1:]:
        for a, b in zip(results[0], found, strict=True):
            assert np.array_equal(a, b)


def test_delta_is_exclusive_in_double_precision():
    # 1 - 2e-9 and 1 are the same number in float32
    vectors = np.array([[1.0, 0.0], [2e-9, 1.0], [0.0, 1.0]])
    group = np.array([0, 1, 2])
    first, second, _ = near_pairs(vectors, 1.0, group=group)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [
        (1, 2),
        (0, 1),
    ]


def test_one_group_or_no_vectors_give_no_pairs():
    vectors, _ = make_vectors(0)
    for some in (vectors, vectors[:0]):
        group = np.zeros(len(some), int)
        assert len(near_pairs(some, 2, group=group)[0]) == 0


def test_pair_distance_of_many_pairs():
    vectors, _ = make_vectors(1)
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, len(vectors), (2, 40_000))
    expected = 1 - (vectors @ vectors.T)[first, second]
    np.testing.assert_allclose(
        pair_distance(vectors, first, second), expected, atol=1e-12
    )


def count_by_brute_force(vectors, delta):
    near = 1 - vectors @ vectors.T < delta - 1e-12
    np.fill_diagonal(near, False)
    return near.sum(1)


@pytest.mark.parametrize('block', [3, 1024])
@pytest.mark.parametrize('count', [0, 1, 2, 9, 70])
def test_count_equals_brute_force(count, block, monkeypatch):
    monkeypatch.setattr(f'{NEIGHBOURS}._ROWS', block)
    monkeypatch.setattr(f'{NEIGHBOURS}._COLUMNS', block + 4)
    rng = np.random.default_rng(count)
    vectors = unit(rng.normal(size=(count, 5)))
    vectors[count // 2 :][:3] = vectors[:1]  # at distance zero
    for delta in (0, 1e-9, 0.3, 1, 2):
        expected = count_by_brute_force(vectors, delta)
        for queries in (
            np.arange(count),
            rng.permutation(count)[:5],
            np.arange(0),
        ):
            found = count_near(vectors, queries, delta)
            assert found.tolist() == expected[queries].tolist()


def test_count_is_exact_where_float32_is_not():
    # 1e-4 rad are 5e-9, which float32 products cannot tell from 0
    angle = np.array([0, 1e-4, 1])
    vectors = np.stack((np.cos(angle), np.sin(angle)), 1)
    for delta, found in ((4.9e-9, 0), (5.1e-9, 1)):
        assert count_near(vectors, np.arange(3), delta).tolist() == [
            found,
            found,
            0,
        ]


def test_many_pairs_at_exactly_delta_are_not_near():
    rng = np.random.default_rng(0)
    axes = np.concatenate((np.eye(8), -np.eye(8)))[rng.integers(0, 16, 200)]
    for delta in (1, 1 + 1e-9):
        found = count_near(axes, np.arange(200), delta)
        assert found.tolist() == count_by_brute_force(axes, delta).tolist()


def test_a_vector_without_direction_is_near_nothing():
    vectors = np.array([[0, 0], [1.0, 0]])
    assert count_near(vectors, np.arange(2), 1).tolist() == [0, 0]
    assert count_near(vectors, np.arange(2), 1.1).tolist() == [1, 1]


def test_links_beyond_memory_are_refused(monkeypatch):
    monkeypatch.setattr(f'{NEIGHBOURS}._MAX_PAIRS', 5)
    with pytest.raises(UserError, match='more than 5 pairs of 9 identities'):
        near_pairs(np.ones((9, 1)), 0.5, group=np.arange(9))
