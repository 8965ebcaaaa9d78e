"""The paper's schedule file, driven by mmengine's own schedulers."""

from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import PARAM_SCHEDULERS
from torch import nn

from mmcion.engine import DecayGroupsConstructor
from tests.golden import read_golden

SCHEDULE = (
    Path(__file__).parents[2] / 'configs/_base_/schedules/adamw-cos_100e.py'
)
EPOCH_LENGTH = 1000
GOLDEN = read_golden('sched')


@pytest.fixture(scope='module')
def values():
    """Learning rate and decay of both groups at the golden steps."""
    cfg = Config.fromfile(SCHEDULE)
    assert cfg.train_cfg.max_epochs * EPOCH_LENGTH == 100_000
    constructor = DecayGroupsConstructor(
        {'optimizer': cfg.optim_wrapper.optimizer}
    )
    optimizer = constructor(nn.Linear(2, 2)).optimizer
    defaults = {'optimizer': optimizer, 'epoch_length': EPOCH_LENGTH}
    schedulers = [
        PARAM_SCHEDULERS.build(scheduler, default_args=defaults)
        for scheduler in cfg.param_scheduler
    ]
    assert not any(scheduler.by_epoch for scheduler in schedulers)
    optimizer.step()
    seen = {}
    for step in range(100_000):
        if str(step) in GOLDEN:
            seen[str(step)] = [
                (group['lr'], group['weight_decay'])
                for group in optimizer.param_groups
            ]
        for scheduler in schedulers:
            scheduler.step()
    return seen


@pytest.mark.parametrize('step', GOLDEN)
def test_learning_rate_equals_golden_figures(values, step):
    # mmengine warms up from 1e-9 of the peak instead of 0: 1.9e-12
    for lr, _ in values[step]:
        assert lr == pytest.approx(GOLDEN[step]['lr'], rel=1e-8, abs=2e-12)


@pytest.mark.parametrize('step', GOLDEN)
def test_weight_decay_equals_golden_figures(values, step):
    decayed, plain = (decay for _, decay in values[step])
    assert decayed == pytest.approx(GOLDEN[step]['wd'], rel=1e-8)
    assert plain == 0


def test_learning_rate_is_scaled_with_the_global_batch():
    cfg = Config.fromfile(SCHEDULE)
    batch = cfg.auto_scale_lr.base_batch_size
    assert cfg.optim_wrapper.optimizer.lr == pytest.approx(5e-4 * batch / 256)


def test_adam_keeps_its_defaults():
    options = Config.fromfile(SCHEDULE).optim_wrapper.optimizer
    assert options.type == 'AdamW'
    assert set(options) == {'type', 'lr', 'weight_decay'}
