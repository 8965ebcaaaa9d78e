from pathlib import Path

import numpy as np
import pytest
from mmengine.dist import get_rank

from mmcion.utils.rank_pool import RankPool

from ..dist_utils import run_on_ranks

ITEMS = list(range(7))


class Squares:
    """Square the items, and note which were computed for."""

    def __init__(self):
        self.computed = []

    def __call__(self, item):
        self.computed.append(item)
        return {'value': np.array([item**2]), 'text': np.array('ß')}


def values(results):
    return [int(result['value'][0]) for result in results]


def squares_of_a_rank(folder, items):
    function = Squares()
    results = RankPool(folder).map('squares', function, items)
    return get_rank(), function.computed, values(results)


def test_results_come_in_the_order_of_the_items():
    results = RankPool().map('squares', Squares(), [3, 1, 2], sizes=[9, 8, 7])
    assert values(results) == [9, 1, 4]
    assert results[0].keys() == {'value', 'text'}


def test_no_items(tmp_path):
    assert RankPool(tmp_path).map('squares', Squares(), []) == []


@pytest.mark.parametrize(('world_size', 'count'), [(2, 7), (3, 7), (3, 1)])
def test_every_rank_gets_all_results(world_size, count, tmp_path):
    items = ITEMS[:count]
    done = run_on_ranks(
        squares_of_a_rank, tmp_path, items, world_size=world_size
    )
    assert [rank for rank, _, _ in done] == list(range(world_size))
    assert [item for _, computed, _ in done for item in computed] == items
    for _, _, found in done:
        assert found == [item**2 for item in items]
    alone = Squares()
    RankPool(tmp_path).map('squares', alone, items)
    assert not alone.computed  # another number of ranks finds all results


def test_finished_results_are_kept_and_reused(tmp_path):
    first = RankPool(tmp_path).map('squares', Squares(), ITEMS)
    function = Squares()
    again = RankPool(tmp_path).map('squares', function, ITEMS)
    assert not function.computed
    for old, new in zip(first, again, strict=True):
        assert old.keys() == new.keys()
        for name in old:
            assert old[name].dtype == new[name].dtype
            assert np.array_equal(old[name], new[name])


def test_interrupted_run_resumes_after_the_last_chunk(tmp_path):
    def interrupted(item):
        if item == 4:
            raise KeyboardInterrupt
        return Squares()(item)

    with pytest.raises(KeyboardInterrupt):
        RankPool(tmp_path).map('squares', interrupted, ITEMS)
    function = Squares()
    results = RankPool(tmp_path).map('squares', function, ITEMS)
    assert function.computed == [4, 5, 6]
    assert values(results) == [item**2 for item in ITEMS]
    assert len(list(tmp_path.iterdir())) == len(ITEMS)  # and nothing else


def test_damaged_result_is_computed_again(tmp_path):
    RankPool(tmp_path).map('squares', Squares(), ITEMS)
    file = sorted(tmp_path.iterdir())[3]
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    function = Squares()

    results = RankPool(tmp_path).map('squares', function, ITEMS)

    assert function.computed == [3]
    assert values(results) == [item**2 for item in ITEMS]
    assert file.read_bytes() == whole


def test_one_name_may_be_used_twice(tmp_path):
    pool = RankPool(tmp_path)
    for _ in range(2):
        first = pool.map('work', lambda item: {'value': item}, [np.ones(1)])
        second = pool.map('work', lambda item: {'value': -item}, [np.ones(1)])
        assert values(first) == [1]
        assert values(second) == [-1]
        pool = RankPool(tmp_path)  # the run that continues


def test_results_that_are_not_kept_leave_no_file(tmp_path):
    pool = RankPool(tmp_path)
    for _ in range(2):
        unkept, kept = Squares(), Squares()
        pool.map('large', unkept, ITEMS, keep=False)
        pool.map('squares', kept, ITEMS)
        assert unkept.computed == ITEMS
        assert len(list(tmp_path.iterdir())) == len(ITEMS)
        pool = RankPool(tmp_path)
    assert not kept.computed


def own_folder(folder: Path):
    """Work where ranks see no common folder."""
    return squares_of_a_rank(folder / f'rank{get_rank()}', ITEMS)


def test_ranks_need_no_common_folder(tmp_path):
    first = run_on_ranks(own_folder, tmp_path)
    again = run_on_ranks(own_folder, tmp_path)
    for _, _, found in [*first, *again]:
        assert found == [item**2 for item in ITEMS]
    assert [computed for _, computed, _ in again] == [[], []]
