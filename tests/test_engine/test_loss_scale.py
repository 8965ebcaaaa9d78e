"""Runs with float16's loss scaler, on CPUs; autocast itself is bfloat16."""

from functools import partial

import pytest
import torch

from tests.training_utils import load, logged, losses, train

AMP = {
    'optim_wrapper.type': 'AmpOptimWrapper',
    'optim_wrapper.dtype': 'bfloat16',
}
BF16 = {'optim_wrapper.type': 'Bf16OptimWrapper'}


@pytest.fixture(autouse=True)
def scaler_on_cpu(monkeypatch):
    """Lift mmengine's guard."""
    module = 'mmengine.optim.optimizer.amp_optimizer_wrapper'
    monkeypatch.setattr(f'{module}.is_cuda_available', lambda: True)
    scaler = partial(torch.amp.GradScaler, 'cpu')
    monkeypatch.setattr(f'{module}.GradScaler', scaler)


def assert_close(first, second):
    for name, value in first['state_dict'].items():
        torch.testing.assert_close(
            value, second['state_dict'][name], rtol=0, atol=1e-5, msg=name
        )


def test_loss_scale_changes_nothing_and_may_come_and_go(crops, tmp_path):
    """Not even the clipping, which the tiny run needs at every step."""
    plain, scaled = tmp_path / 'plain', tmp_path / 'scaled'
    train(crops, plain, **BF16)
    train(crops, scaled, **AMP)
    expected = load(plain)
    assert_close(load(scaled), expected)
    optimizer = load(scaled)['optimizer']
    assert optimizer['loss_scaler']['scale'] == 2**16
    assert [g['weight_decay'] for g in optimizer['param_groups']] == [0.04, 0]
    for run, options in ((plain, AMP), (scaled, BF16)):
        work_dir = tmp_path / f'from_{run.name}'
        train(crops, work_dir, '--resume', run / 'epoch_1.pth', **options)
        assert_close(load(work_dir), expected)
        assert len(losses(load(work_dir))) == 8


@pytest.mark.slow
def test_published_clipping_needs_no_loss_scale(crops, tmp_path):
    published = {'custom_hooks.3.as_published': True}
    runs = {
        'plain': BF16,
        'bf16': {**BF16, **published},
        'amp': {**AMP, **published},
    }
    for name, options in runs.items():
        train(crops, tmp_path / name, **options)
    plain, bf16, amp = (load(tmp_path / name) for name in runs)
    assert_close(amp, bf16)
    name = 'student.backbone.0.weight'
    gap = plain['state_dict'][name] - bf16['state_dict'][name]
    assert gap.abs().max() > 1e-3


def test_skipped_steps_move_the_schedules_and_no_weight(crops, tmp_path):
    # so large that every loss becomes inf
    train(crops, tmp_path, **AMP, **{'optim_wrapper.loss_scale': 3e38})
    checkpoint = load(tmp_path)
    assert not checkpoint['optimizer']['state']
    assert len(set(logged(checkpoint, 'lr'))) > 4
    state = checkpoint['state_dict']
    assert state['head.center'].any()
    for name, value in state.items():
        if name.startswith('student.'):
            teacher = state[name.replace('student', 'teacher', 1)]
            # it has followed a student that stays where it began
            assert torch.equal(value, teacher), name
