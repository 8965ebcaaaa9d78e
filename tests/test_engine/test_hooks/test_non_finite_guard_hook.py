import logging
import math
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
from mmengine.hooks import CheckpointHook
from mmengine.optim import CosineAnnealingLR, LinearLR
from mmengine.runner import get_priority

from mmcion.engine import NonFiniteGuardHook
from mmcion.structures import ReIDDataSample
from mmcion.utils.io import read_json
from tests.dist_utils import run_on_ranks

SAMPLES = [
    ReIDDataSample(metainfo={'img_path': f'{pid}.png', 'pid': pid})
    for pid in (4, 9)
]


def check(work_dir, loss, data_batch=None, **losses):
    runner = SimpleNamespace(work_dir=str(work_dir), epoch=2, iter=16)
    outputs = {'loss': torch.tensor(loss), **losses}
    NonFiniteGuardHook().after_train_iter(runner, 6, data_batch, outputs)


def test_finite_losses_pass(tmp_path):
    check(tmp_path, 3e38, other=torch.tensor([1.0, -2.0]))
    NonFiniteGuardHook().after_train_iter(SimpleNamespace(), 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_batch_is_written_down(tmp_path, value):
    with pytest.raises(FloatingPointError, match='not finite') as caught:
        check(tmp_path, value, {'data_samples': SAMPLES})
    path = tmp_path / 'non_finite_rank0.json'
    assert str(path) in str(caught.value)
    assert read_json(path) == {
        'rank': 0,
        'ranks_at_fault': [0],
        'epoch': 3,
        'iter': 17,
        'losses': {'loss': str(value)},
        'batch_idx': 6,
        'images': [
            {'img_path': '4.png', 'pid': 4},
            {'img_path': '9.png', 'pid': 9},
        ],
    }


def test_any_of_the_losses_counts(tmp_path):
    with pytest.raises(FloatingPointError):
        check(tmp_path, 1.0, other=torch.tensor([0.0, math.nan]))


def test_hook_comes_before_checkpoints_are_written():
    first, later = (
        get_priority(hook.priority)
        for hook in (NonFiniteGuardHook, CheckpointHook)
    )
    assert first < later


def check_on_rank(work_dir):
    """The loss of rank 1 is lost in the second iteration."""
    rank = dist.get_rank()
    check(work_dir, 1.0)
    try:
        check(
            work_dir,
            math.nan if rank == 1 else 0.5,
            {'data_samples': SAMPLES[rank:]},
        )
    except FloatingPointError as error:
        return str(error)


def test_all_ranks_stop_when_one_must(tmp_path):
    for message in run_on_ranks(check_on_rank, tmp_path):
        assert 'loss of rank 1 is not finite' in message
    records = [
        read_json(tmp_path / f'non_finite_rank{rank}.json')
        for rank in range(2)
    ]
    assert [r['ranks_at_fault'] for r in records] == [[1], [1]]
    assert [r['losses']['loss'] for r in records] == ['0.5', 'nan']
    assert [len(r['images']) for r in records] == [2, 1]


@pytest.mark.parametrize(('rate', 'warns'), [(30.0, False), (1e10, True)])
def test_absurd_learning_rate_is_warned_of(rate, warns, caplog):
    runner = SimpleNamespace(
        optim_wrapper=SimpleNamespace(param_groups=[{'lr': rate}]),
        param_schedulers=None,
        logger=logging.getLogger('test'),
    )
    NonFiniteGuardHook().before_train(runner)
    assert ('1e+10' in caplog.text) == warns


@pytest.mark.parametrize(('steps', 'warns'), [(1, True), (2, False)])
def test_warm_up_that_never_ends_is_warned_of(steps, warns, caplog):
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.5)
    runner = SimpleNamespace(
        optim_wrapper=optimizer,
        param_schedulers=[
            LinearLR(optimizer, start_factor=1e-9, end=steps),
            CosineAnnealingLR(optimizer, T_max=8),
        ],
        logger=logging.getLogger('test'),
    )
    NonFiniteGuardHook().before_train(runner)
    assert ('lr at 1e-09' in caplog.text) == warns
    optimizer.step()
    for _ in range(3):
        for scheduler in runner.param_schedulers:
            scheduler.step()
    # the warning is true
    assert (optimizer.param_groups[0]['lr'] < 1e-9) == warns
