"""The configs' schedules, as mmengine's Runner builds them."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import DefaultSampler
from mmengine.runner import Runner
from torch import nn

from mmcion.engine import InstanceScheduleHook, TeacherUpdateHook
from tests.golden import read_golden
from tests.test_configs import ROOT

CONFIG = 'cion/cion_resnet50-ibn_8xb120-100e_cional.py'
EPOCH_LENGTH = 1000
GOLDEN = read_golden('sched')


def build(
    work_dir, *, config=CONFIG, batch_size=960, length=EPOCH_LENGTH, **options
):
    """Runner of the config with a tiny model, built but not run."""
    cfg = Config.fromfile(ROOT / config)
    cfg.merge_from_dict(options)
    dataset = range(length * batch_size)
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


def find_hook(runner, kind):
    (hook,) = (hook for hook in runner.hooks if isinstance(hook, kind))
    return hook


def run_schedules(runner):
    """Yield learning rates and decays of both groups at every step."""
    length = runner.max_iters // runner.max_epochs
    runner.optim_wrapper.optimizer.step()
    for step in range(runner.max_iters):
        groups = runner.optim_wrapper.optimizer.param_groups
        yield SimpleNamespace(
            lrs=[group['lr'] for group in groups],
            decays=[group['weight_decay'] for group in groups],
        )
        for scheduler in runner.param_schedulers:
            if not scheduler.by_epoch or (step + 1) % length == 0:
                scheduler.step()


@pytest.fixture(scope='module')
def values(tmp_path_factory):
    """Learning rate and decay of both groups at the golden steps."""
    runner = build(tmp_path_factory.mktemp('schedule'))
    assert runner.max_iters == 100_000
    assert not any(schedule.by_epoch for schedule in runner.param_schedulers)
    teacher = find_hook(runner, TeacherUpdateHook)
    seen = {}
    for step, value in enumerate(run_schedules(runner)):
        if str(step) in GOLDEN:
            value.momentum = teacher.momentum_at(step, runner.max_iters)
            seen[str(step)] = value
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
def test_learning_rate_follows_the_batch_of_this_run(tmp_path, batch_size):
    runner = build(tmp_path / f'{batch_size}', batch_size=batch_size, length=1)
    groups = runner.optim_wrapper.optimizer.param_groups
    expected = 5e-4 * batch_size / 256
    assert [g['initial_lr'] for g in groups] == pytest.approx([expected] * 2)


def test_epochs_of_the_loop_are_those_of_all_schedules(tmp_path):
    options = {'train_cfg.max_epochs': 5, 'length': 40}
    runner = build(tmp_path / 'epochs', **options)
    values = list(run_schedules(runner))
    lrs = [value.lrs[0] for value in values]
    # a tenth of 200 steps is the warm-up, its last step has the full rate
    assert lrs.index(max(lrs)) == 19
    assert max(lrs) == pytest.approx(1.875e-3)
    assert lrs[-1] == pytest.approx(1e-6, abs=2e-7)
    assert values[-1].decays[0] == pytest.approx(0.4, rel=1e-3)
    hook = find_hook(runner, InstanceScheduleHook)
    found = [hook.instances_at(epoch, runner.max_epochs) for epoch in range(5)]
    assert found == [2, 2, 4, 6, 8]


@pytest.mark.parametrize(
    ('name', 'last'),
    [
        ('linear_resnet50-ibn', 0.0),
        ('fine-tune_resnet50-ibn', 3.5e-6),
        ('fine-tune_vit-small', 3.89e-5),
    ],
)
def test_epochs_of_supervised_training(tmp_path, name, last):
    config = f'cion/benchmarks/{name}_market1501.py'
    options = {'batch_size': 64, 'train_cfg.max_epochs': 5, 'length': 40}
    runner = build(tmp_path / name, config=config, **options)
    lrs = [value.lrs[0] for value in run_schedules(runner)]
    assert lrs[-1] == pytest.approx(last, rel=1e-6, abs=1e-6)


def test_adam_keeps_its_defaults():
    options = Config.fromfile(ROOT / CONFIG).optim_wrapper.optimizer
    assert options.type == 'AdamW'
    assert set(options) == {'type', 'lr', 'weight_decay'}
