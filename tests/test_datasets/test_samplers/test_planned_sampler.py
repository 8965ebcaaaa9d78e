from types import SimpleNamespace

import numpy as np
import pytest

from mmcion.datasets.samplers.planned_sampler import PlannedSampler
from mmcion.utils.checks import UserError


class Counting(PlannedSampler):
    """Three batches of four groups of two, numbered from 100."""

    def __len__(self):
        return 3

    def plan(self):
        return np.arange(100, 124).reshape(3, 4, 2)


def make(rank=0, world_size=1, batch_size=8):
    inner = SimpleNamespace(seed=7, epoch=5, rank=rank, world_size=world_size)
    return Counting(inner, batch_size)


def test_one_rank_has_the_whole_plan():
    batches = list(make())
    np.testing.assert_array_equal(
        np.reshape(batches, (3, 4, 2)), make().plan()
    )
    assert all(type(row) is not int for batch in batches for row in batch)


def test_ranks_take_turns_in_the_groups_of_a_batch():
    even, odd = (next(iter(make(rank, 2, 4))) for rank in (0, 1))
    assert even == [100, 101, 104, 105] and odd == [102, 103, 106, 107]


@pytest.mark.parametrize('rank', [0, 1])
def test_seeds_are_of_the_place_in_the_plan(rank):
    for batch in make(rank, 2, 4):
        for row in batch:
            assert row.entropy == (7, 5, row - 100)


def test_skipped_batches_are_left_out_once():
    sampler = make()
    whole = list(sampler)
    sampler.skip(2)
    assert list(sampler) == whole[2:] and len(sampler) == 3
    assert list(sampler) == whole


def test_batch_size_is_at_least_one():
    with pytest.raises(UserError, match='batch_size'):
        make(batch_size=0)
