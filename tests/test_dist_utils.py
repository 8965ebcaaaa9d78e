import pytest
import torch
import torch.distributed as dist
from torch.multiprocessing import ProcessRaisedException

from .dist_utils import run_on_ranks


def add_ranks(start):
    total = torch.tensor(float(start + dist.get_rank()))
    dist.all_reduce(total)
    return dist.get_rank(), total.item()


def fail_on_rank_one():
    if dist.get_rank() == 1:
        raise KeyError('only rank one')


def test_ranks_talk_and_return_in_order():
    assert run_on_ranks(add_ranks, 5) == [(0, 11.0), (1, 11.0)]


def test_exception_of_a_rank_comes_with_its_traceback():
    with pytest.raises(
        ProcessRaisedException, match=r'fail_on_rank_one[\s\S]*only rank one'
    ):
        run_on_ranks(fail_on_rank_one)
