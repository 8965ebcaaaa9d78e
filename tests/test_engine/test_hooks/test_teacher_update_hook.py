from types import SimpleNamespace

import pytest
from mmengine.registry import MODEL_WRAPPERS
from torch import nn

from mmcion.engine import TeacherUpdateHook
from tests.golden import read_golden

SCHEDULE = read_golden('sched')


class Recorder(nn.Module):
    def __init__(self):
        super().__init__()
        self.momenta = []

    def update_teacher(self, momentum):
        self.momenta.append(momentum)


@MODEL_WRAPPERS.register_module(force=True)
class Wrapper(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module


def run(model, steps, max_iters, **options):
    hook = TeacherUpdateHook(**options)
    for step in steps:
        runner = SimpleNamespace(model=model, iter=step, max_iters=max_iters)
        hook.after_train_iter(runner, step)


@pytest.mark.parametrize('step', SCHEDULE)
def test_momentum_equals_golden_figures(step):
    momentum = TeacherUpdateHook().momentum_at(int(step), 100_000)
    assert momentum == pytest.approx(SCHEDULE[step]['m'], rel=1e-9)


def test_momentum_of_each_step_counts():
    model = Recorder()
    run(model, [0, 1, 2, 3], 4, momentum=0.5, end_momentum=0.9)
    expected = [0.5, 0.9 - 0.4 * (1 + 0.5**0.5) / 2, 0.7]
    assert model.momenta[:3] == pytest.approx(expected)


def test_model_in_a_wrapper_is_found():
    model = Recorder()
    run(Wrapper(model), [0], 4)
    assert model.momenta == [0.996]


@pytest.mark.parametrize('momenta', [(-0.1, 1), (0.9, 0.8), (0.9, 1.1)])
def test_momenta_must_be_in_order(momenta):
    with pytest.raises(ValueError, match=f'got {momenta[0]} and {momenta[1]}'):
        TeacherUpdateHook(*momenta)
