import numpy as np
import pytest

from mmcion.utils.rank_share import RankShare

from ..dist_utils import run_on_ranks

COLUMNS = {
    'feature': np.arange(14, dtype=np.float32).reshape(7, 2),
    'pid': np.arange(7) - 1,
    'is_query': np.arange(7) % 2 == 0,
    'img_path': np.array(['a', 'bb', 'ü.jpg', '', 'e' * 40, 'f', 'g']),
    'raw': np.array([b'a', b'bb', b'c', b'', b'eeee', b'f', b'g']),
    'nothing': np.zeros((7, 0)),
    'cube': np.arange(42).reshape(7, 3, 2),
}


def deal(column, rank, world_size):
    return column[rank::world_size]


def gather_all(interleaved):
    share = RankShare.of_process_group()
    if interleaved:
        return {
            name: share.gather_interleaved(
                deal(column, share.rank, share.world_size)
            )
            for name, column in COLUMNS.items()
        }
    return {
        name: share.gather(share.part(column))
        for name, column in COLUMNS.items()
    }


@pytest.mark.parametrize('interleaved', [True, False])
def test_three_ranks_get_all_rows_in_order(interleaved):
    for found in run_on_ranks(gather_all, interleaved, world_size=3):
        for name, column in COLUMNS.items():
            np.testing.assert_array_equal(found[name], column)
            assert found[name].dtype.kind == column.dtype.kind


def gather_first_of_rank_0():
    share = RankShare.of_process_group()
    return share.gather(np.arange(1 - share.rank, dtype=np.int32))


def test_a_rank_may_have_no_rows():
    assert [r.tolist() for r in run_on_ranks(gather_first_of_rank_0)] == [
        [0],
        [0],
    ]


def test_one_process_keeps_its_rows():
    share = RankShare()
    rows = np.arange(5)
    assert share.part(rows).tolist() == share.gather(rows).tolist()
    assert share.gather_interleaved(rows).tolist() == rows.tolist()
