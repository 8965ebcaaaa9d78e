"""Whole runs are in test_accumulation.py."""

from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import torch
import torch.distributed as dist
from mmengine.optim import OptimWrapper
from torch import nn

from mmcion.engine.unfinished_step import (
    average_gradients,
    restore_step,
    unfinished_step,
)
from mmcion.utils.checks import UserError
from tests.dist_utils import run_on_ranks


def make_runner(batches, counts=3):
    """A model after batches of gradient 3, 6, ... / counts."""
    model = nn.Linear(1, 1, bias=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=1)
    wrapper = OptimWrapper(optimizer, accumulative_counts=counts)
    for batch in range(batches):
        wrapper.update_params(model(torch.full((1, 1), 3.0 * (batch + 1))))
    return SimpleNamespace(
        model=model,
        optim_wrapper=wrapper,
        iter=batches,
        logger=SimpleNamespace(info=lambda line: None),
    )


def test_gradients_come_back():
    runner, resumed = make_runner(2), make_runner(0)
    restore_step(resumed, unfinished_step(runner))
    assert resumed.model.weight.grad.tolist() == [[3 / 3 + 6 / 3]]


def test_gradients_take_the_loss_scale_of_the_new_run():
    runner, resumed = make_runner(2), make_runner(0)
    runner.model.weight.grad *= 8
    runner.optim_wrapper.loss_scaler = Mock(get_scale=lambda: 8.0)
    saved = unfinished_step(runner)
    restore_step(resumed, saved)
    assert resumed.model.weight.grad.tolist() == [[3.0]]
    restore_step(runner, saved)
    assert runner.model.weight.grad.tolist() == [[24.0]]


def test_nothing_waits_at_the_end_of_a_step():
    assert unfinished_step(make_runner(3)) == {}
    assert unfinished_step(make_runner(1, counts=1)) == {}


def test_number_of_batches_must_be_the_same():
    saved = unfinished_step(make_runner(2))
    with pytest.raises(UserError, match=r'=3 .* 2'):
        restore_step(make_runner(0, counts=2), saved)


def average_on_rank():
    runner = make_runner(1 + dist.get_rank())
    average_gradients(runner)
    return runner.model.weight.grad


def test_ranks_get_their_mean():
    for gradient in run_on_ranks(average_on_rank):
        assert gradient.tolist() == [[(1 + 3) / 2]]
