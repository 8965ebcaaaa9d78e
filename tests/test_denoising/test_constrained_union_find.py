import numpy as np
import pytest

from mmcion.denoising.constrained_union_find import ConstrainedUnionFind

from .planted import PlainUnionFind, angles, unit

NO_PAIRS = (np.zeros(0, np.int64), np.zeros(0, np.int64))


def partition(group):
    return {
        frozenset(np.flatnonzero(group == k).tolist())
        for k in np.unique(group)
    }


@pytest.mark.parametrize('max_spread', [0.1, 0.3, 1.0])
@pytest.mark.parametrize('seed', range(15))
def test_equals_brute_force(seed, max_spread):
    rng = np.random.default_rng(seed)
    num = 25
    # identities of very different sizes: the sums have different lengths
    looks = unit(rng.normal(size=(4, 4)))[rng.integers(0, 4, num)]
    sums = unit(looks + rng.normal(0, 0.3, looks.shape))
    sums *= rng.choice([1, 3, 30], (num, 1))
    pairs = np.unique(np.sort(rng.integers(0, num, (20, 2))), axis=0)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]].T
    before = sums.copy()
    found = ConstrainedUnionFind(sums, (pairs[0], pairs[1]), max_spread)
    plain = PlainUnionFind(sums, pairs, max_spread)

    for a, b in rng.integers(0, num, (200, 2)).tolist():
        assert found.join(a, b) == plain.join(a, b)
        assert partition(found.group) == set(map(frozenset, plain.groups))

    assert found.refused_spread == plain.refused_spread
    assert found.refused_cooccurring == plain.refused_cooccurring
    assert np.array_equal(sums, before)


def test_cooccurring_pairs_of_all_members_count():
    # 0 and 3 co-occur; every chain between them is refused
    sums = np.ones((5, 1))
    found = ConstrainedUnionFind(sums, (np.array([0]), np.array([3])), 1.0)
    assert found.join(0, 1)
    assert found.join(2, 3)
    assert not found.join(1, 2)
    assert found.join(4, 2)
    assert not found.join(4, 1)
    assert found.refused_cooccurring == 2
    assert partition(found.group) == {frozenset({0, 1}), frozenset({2, 3, 4})}


def test_members_are_measured_by_the_centroid_of_all_images():
    # three sums at 0 degrees and one at 30 have their centroid at 7; a
    # centroid of equal weights of groups would lie at 15
    sums = angles(0, 0, 0, 30)
    away = 1 - np.cos(np.radians(30 - 7.435))
    for max_spread, joined in ((away - 1e-3, False), (away + 1e-3, True)):
        found = ConstrainedUnionFind(sums, NO_PAIRS, max_spread)
        assert found.join(0, 1)
        assert found.join(1, 2)
        assert found.join(0, 3) == joined
        assert found.refused_spread == (not joined)


def test_link_within_a_group_is_neither_taken_nor_refused():
    found = ConstrainedUnionFind(np.ones((2, 1)), NO_PAIRS, 1.0)
    assert found.join(0, 1)
    assert not found.join(1, 0)
    assert found.refused_spread == found.refused_cooccurring == 0


def test_no_identities():
    assert (
        len(ConstrainedUnionFind(np.zeros((0, 3)), NO_PAIRS, 1.0).group) == 0
    )
