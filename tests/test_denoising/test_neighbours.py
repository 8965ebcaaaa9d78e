import numpy as np
import pytest

from mmcion.denoising.functional import (
    near_pairs,
    nearest_other,
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


def in_common_range(i, j, count, range_size, stride):
    if range_size is None:
        return True
    starts = range(0, count, stride)
    return any(
        start <= i < start + range_size and start <= j < start + range_size
        for start in starts
    )


def pairs_by_brute_force(vectors, delta, group, range_size, stride):
    count = len(vectors)
    pairs = []
    for i in range(count):
        for j in range(i + 1, count):
            distance = 1 - float(vectors[i] @ vectors[j])
            if (
                distance < delta
                and group[i] != group[j]
                and in_common_range(i, j, count, range_size, stride)
            ):
                pairs.append((distance, i, j))
    return sorted(pairs)


@pytest.mark.parametrize(
    ('range_size', 'stride'),
    [(None, None), (10, 5), (10, 3), (10, 10), (7, 1), (1, 1), (200, 50)],
)
@pytest.mark.parametrize('seed', range(3))
def test_equals_brute_force(seed, range_size, stride):
    vectors, group = make_vectors(seed)

    first, second, distance = near_pairs(
        vectors, 0.5, group=group, range_size=range_size, stride=stride
    )

    expected = pairs_by_brute_force(vectors, 0.5, group, range_size, stride)
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
    case = {'group': group, 'range_size': 20, 'stride': 7}
    alone = near_pairs(vectors, 0.5, **case)
    near_pairs(vectors, 0.5, **case, ranks=RankPool(tmp_path))
    assert len(list(tmp_path.iterdir())) > 10
    # the second run reads what the first has left: vectors are not looked at
    again = near_pairs(0 * vectors, 0.5, **case, ranks=RankPool(tmp_path))
    for a, b in zip(alone, again, strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(('range_size', 'stride'), [(None, None), (20, 7)])
def test_block_size_changes_nothing(monkeypatch, range_size, stride):
    vectors, group = make_vectors(0, count=100, dim=40)
    results = []
    for rows in (1, 3, 17, 100, 1024):
        monkeypatch.setattr(f'{NEIGHBOURS}._ROWS', rows)
        results.append(
            near_pairs(
                vectors,
                0.95,
                group=group,
                range_size=range_size,
                stride=stride,
            )
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
        group = np.zeros(len(some))
        assert len(near_pairs(some, 2, group=group)[0]) == 0


def test_pair_distance_of_many_pairs():
    vectors, _ = make_vectors(1)
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, len(vectors), (2, 40_000))
    expected = 1 - (vectors @ vectors.T)[first, second]
    np.testing.assert_allclose(
        pair_distance(vectors, first, second), expected, atol=1e-12
    )


def nearest_by_brute_force(vectors):
    distance = 1 - vectors @ vectors.T
    np.fill_diagonal(distance, np.inf)
    return distance.min(1)


@pytest.mark.parametrize('count', [1, 2, 9, 70])
def test_nearest_other_equals_brute_force(count):
    rng = np.random.default_rng(count)
    vectors = unit(rng.normal(size=(count, 5)))
    expected = nearest_by_brute_force(vectors)
    for queries in (
        np.arange(count),
        rng.permutation(count)[:5],
        np.arange(0),
    ):
        np.testing.assert_allclose(
            nearest_other(vectors, queries), expected[queries], atol=1e-6
        )


@pytest.mark.parametrize('copies', [2, 3, 8])
def test_nearest_other_of_equal_vectors_is_at_distance_zero(copies):
    alone = unit(np.random.default_rng(0).normal(size=(30, 5)))
    vectors = np.concatenate((*[alone[:6]] * copies, alone[6:]))
    found = nearest_other(vectors, np.arange(len(vectors)))
    assert np.abs(found[: 6 * copies]).max() < 1e-12
    np.testing.assert_allclose(
        found, nearest_by_brute_force(vectors), atol=1e-6
    )


def test_distance_to_the_nearest_other_is_exact():
    # 1e-4 rad are 5e-9, which float32 products cannot tell from 0
    angle = np.array([0, 1e-4, 1])
    vectors = np.stack((np.cos(angle), np.sin(angle)), 1)
    found = nearest_other(vectors, np.arange(len(vectors)))
    assert found[:2] == pytest.approx([5e-9, 5e-9], rel=1e-3)
    assert found[2] == pytest.approx(1 - np.cos(1 - 1e-4))


def test_opposite_vectors_are_two_apart():
    opposite = np.array([[1.0, 0], [-1, 0]])
    assert nearest_other(opposite, np.arange(2)).tolist() == [2, 2]


def test_links_beyond_memory_are_refused(monkeypatch):
    monkeypatch.setattr(f'{NEIGHBOURS}._MAX_PAIRS', 5)
    with pytest.raises(UserError, match='more than 5 pairs of 9 identities'):
        near_pairs(np.ones((9, 1)), 0.5, group=np.arange(9))
