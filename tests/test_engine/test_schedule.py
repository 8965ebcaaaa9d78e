"""The paper's config, as mmengine's Runner builds it."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import DefaultSampler
from mmengine.runner import Runner
from torch import nn

from mmcion.engine import TeacherUpdateHook
from tests.golden import read_golden
from tests.test_configs import ROOT

CONFIG = ROOT / 'cion/cion_resnet50-ibn_8xb120-100e_cional.py'
EPOCH_LENGTH = 1000
GOLDEN = read_golden('sched')


def build(work_dir, batch_size=1, **options):
    """Runner of the config with a tiny model, built but not run."""
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict(options)
    dataset = range(EPOCH_LENGTH * batch_size)
    loader = torch.utils.data.DataLoader(
        dataset, batch_size, sampler=DefaultSampler(dataset, shuffle=False)
    )
    runner = Runner(
        nn.Linear(2, 2),
        str(work_dir),
        train_dataloader=loader,
        train_cfg=cfg.train_cfg,
        auto_scale_lr=cfg.auto_scale_lr,
        optim_wrapper=cfg.optim_wrapper,
        param_scheduler=cfg.param_scheduler,
        default_hooks=cfg.default_hooks,
        custom_hooks=cfg.custom_hooks,
        default_scope=cfg.default_scope,
        experiment_name=work_dir.name,
    )
    runner._train_loop = runner.build_train_loop(cfg.train_cfg)
    runner.optim_wrapper = runner.build_optim_wrapper(cfg.optim_wrapper)
    runner.scale_lr(runner.optim_wrapper, runner.auto_scale_lr)
    runner.param_schedulers = runner.build_param_scheduler(cfg.param_scheduler)
    return runner


@pytest.fixture(scope='module')
def values(tmp_path_factory):
    """Learning rate and decay of both groups at the golden steps."""
    runner = build(tmp_path_factory.mktemp('schedule'))
    assert runner.max_iters == 100_000
    assert not any(schedule.by_epoch for schedule in runner.param_schedulers)
    (teacher,) = (h for h in runner.hooks if isinstance(h, TeacherUpdateHook))
    runner.optim_wrapper.optimizer.step()
    seen = {}
    for step in range(runner.max_iters):
        if str(step) in GOLDEN:
            groups = runner.optim_wrapper.optimizer.param_groups
            seen[str(step)] = SimpleNamespace(
                lrs=[group['lr'] for group in groups],
                decays=[group['weight_decay'] for group in groups],
                momentum=teacher.momentum_at(step, runner.max_iters),
            )
        for scheduler in runner.param_schedulers:
            scheduler.step()
    return seen


@pytest.mark.parametrize('step', GOLDEN)
def test_learning_rate_equals_golden_figures(values, step):
    # mmengine warms up from 1e-9 of the peak instead of 0: 1.9e-12
    for lr in values[step].lrs:
        assert lr == pytest.approx(GOLDEN[step]['lr'], rel=1e-8, abs=2e-12)


@pytest.mark.parametrize('step', GOLDEN)
def test_weight_decay_equals_golden_figures(values, step):
    decayed, plain = values[step].decays
    assert decayed == pytest.approx(GOLDEN[step]['wd'], rel=1e-8)
    assert plain == 0


@pytest.mark.parametrize('step', GOLDEN)
def test_momentum_of_the_teacher_equals_golden_figures(values, step):
    assert values[step].momentum == pytest.approx(GOLDEN[step]['m'], rel=1e-9)


def test_warm_up_begins_at_nothing(values):
    assert GOLDEN['0']['lr'] == 0
    assert max(values['0'].lrs) < 2e-12


@pytest.mark.parametrize('batch_size', [120, 480])
def test_auto_scale_lr_follows_the_batch_of_this_run(tmp_path, batch_size):
    options = {'auto_scale_lr.enable': True}
    runner = build(tmp_path / f'{batch_size}', batch_size, **options)
    groups = runner.optim_wrapper.optimizer.param_groups
    expected = 5e-4 * batch_size / 256
    assert [g['initial_lr'] for g in groups] == pytest.approx([expected] * 2)


def test_adam_keeps_its_defaults():
    options = Config.fromfile(CONFIG).optim_wrapper.optimizer
    assert options.type == 'AdamW'
    assert set(options) == {'type', 'lr', 'weight_decay'}
