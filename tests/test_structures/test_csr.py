import numpy as np
import pytest

from mmcion.structures import Csr


@pytest.mark.parametrize('seed', range(5))
def test_values_by_key_keep_their_order(seed):
    rng = np.random.default_rng(seed)
    keys, values = rng.integers(0, 7, 50), rng.integers(0, 99, 50)
    lists = Csr.from_keys(keys, values, 9)
    for k in range(9):
        assert lists.get(k).tolist() == values[keys == k].tolist()


@pytest.mark.parametrize('seed', range(8))
def test_rows_of_every_identity_in_order(seed):
    rng = np.random.default_rng(seed)
    identity = rng.integers(-1, 12, rng.integers(1, 60))
    identity[identity == 5] = 3  # a number without rows

    groups = Csr.from_identity(identity)

    assert len(groups.sizes) == identity.max() + 1
    for k, size in enumerate(groups.sizes):
        assert groups.get(k).tolist() == np.flatnonzero(identity == k).tolist()
        assert size == (identity == k).sum()
    assert len(groups.values) == (identity >= 0).sum()


@pytest.mark.parametrize('identity', [[], [-1, -1]])
def test_nothing_is_assigned(identity):
    groups = Csr.from_identity(np.array(identity, np.int32))
    assert groups.ptr.tolist() == [0]
    assert len(groups.values) == len(groups.sizes) == 0


@pytest.mark.parametrize('numbers', [[], [2], [1, 2, 3], [3, 0, 0]])
def test_some_of_the_lists(numbers):
    keys = np.random.default_rng(0).integers(0, 4, 20)
    lists = Csr.from_keys(keys, np.arange(20), 4)
    expected = [lists.get(g).tolist() for g in numbers]
    found = [lists.take(np.array(numbers, np.int64))]
    if numbers == [1, 2, 3]:
        found.append(lists.slice(1, 4))
    for some in found:
        assert some.ptr[0] == 0
        assert some.ptr[-1] == len(some.values)
        assert [some.get(g).tolist() for g in range(len(numbers))] == expected


def test_slice_without_lists():
    nothing = Csr.from_identity(np.zeros(0, np.int64))
    assert nothing.slice(0, 0).ptr.tolist() == [0]
