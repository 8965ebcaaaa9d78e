from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmcion.engine import TeacherUpdateHook
from mmcion.utils.checks import UserError
from tests.golden import read_golden

SCHEDULE = read_golden('sched')


class Recorder(nn.Module):
    def __init__(self):
        super().__init__()
        self.momenta = []

    def update_teacher(self, momentum):
        self.momenta.append(momentum)


def run(steps, max_iters, counts=1, **options):
    """Momenta of the updates, and iterations that end a step."""
    hook, model = TeacherUpdateHook(**options), Recorder()
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1)
    wrapper = OptimWrapper(optimizer, accumulative_counts=counts)
    wrapper.initialize_count_status(model, steps[0], max_iters)
    last = []
    for step in steps:
        runner = SimpleNamespace(
            model=model, optim_wrapper=wrapper, iter=step, max_iters=max_iters
        )
        hook.before_train_iter(runner, step)
        if model.ends_step:
            last.append(step)
        wrapper.update_params(optimizer.param_groups[0]['params'][0].sum())
        hook.after_train_iter(runner, step)
    return model.momenta, last


@pytest.mark.parametrize('step', SCHEDULE)
def test_momentum_equals_golden_figures(step):
    momentum = TeacherUpdateHook().momentum_at(int(step), 100_000)
    assert momentum == pytest.approx(SCHEDULE[step]['m'], rel=1e-9)


def test_momentum_of_each_step_counts():
    momenta, _ = run([0, 1, 2, 3], 4, momentum=0.5, end_momentum=0.9)
    expected = [0.5, 0.9 - 0.4 * (1 + 0.5**0.5) / 2, 0.7]
    assert momenta[:3] == pytest.approx(expected)


@pytest.mark.parametrize('start', [0, 3, 4])
def test_teacher_and_center_wait_for_the_last_batch_of_a_step(start):
    hook = TeacherUpdateHook()
    momenta, last = run(range(start, 8), 8, counts=3)
    # the rest at the end of training is a step as well
    assert last == [step for step in (2, 5, 7) if step >= start]
    assert momenta == [hook.momentum_at(step, 8) for step in last]


@pytest.mark.parametrize(
    ('momenta', 'message'),
    [
        ((-0.1, 1), r'\[0, 1\]; got -0\.1'),
        ((0.9, 0.8), r'\[0, 0\.8\]; got 0\.9'),
        ((0.9, 1.1), r'end_momentum .* got 1\.1'),
    ],
)
def test_momenta_must_be_in_order(momenta, message):
    with pytest.raises(UserError, match=message):
        TeacherUpdateHook(*momenta)
