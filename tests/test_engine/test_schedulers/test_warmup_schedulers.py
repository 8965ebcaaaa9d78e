import pytest
import torch
from mmengine.optim import CosineAnnealingLR, LinearLR, MultiStepLR

from mmcion.engine import WarmupCosineLR, WarmupMultiStepLR
from mmcion.registry import PARAM_SCHEDULERS
from mmcion.utils.checks import UserError

EPOCHS, LENGTH = 20, 7
COSINE = {'warmup_ratio': 0.2, 'start_factor': 0.1, 'eta_min': 1e-3}
STEPS = {
    'warmup_ratio': 0.2,
    'start_factor': 0.1,
    'milestone_ratios': [0.4, 0.75],
    'gamma': 0.3,
}


def make_optimizer():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.7)


def rates(make_schedulers, steps=EPOCHS * LENGTH):
    """Rates of all steps, to the last bit."""
    optimizer = make_optimizer()
    schedulers = make_schedulers(optimizer)
    optimizer.step()
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]['lr'])
        for scheduler in schedulers:
            scheduler.step()
    return found


def build(optimizer, name, options, **more):
    """As mmengine's Runner does."""
    cfg = {'type': f'mmcion.{name}', 'end': EPOCHS, **options, **more}
    defaults = {'optimizer': optimizer, 'epoch_length': LENGTH}
    return [PARAM_SCHEDULERS.build(cfg, default_args=defaults)]


@pytest.mark.parametrize('by_epoch', [True, False])
@pytest.mark.parametrize(
    ('name', 'options', 'then', 'then_options'),
    [
        ('WarmupCosineLR', COSINE, CosineAnnealingLR, {'eta_min': 1e-3}),
        ('WarmupMultiStepLR', STEPS, MultiStepLR, {'gamma': 0.3}),
    ],
)
def test_rates_are_those_of_two_schedulers_of_mmengine(
    name, options, then, then_options, by_epoch
):
    unit = 1 if by_epoch else LENGTH
    warmup, end = 4 * unit, EPOCHS * unit
    if then is MultiStepLR:
        then_options = {**then_options, 'milestones': [8 * unit, 15 * unit]}
    else:
        then_options = {**then_options, 'begin': warmup}

    def plain(optimizer):
        return [
            LinearLR(optimizer, start_factor=0.1, end=warmup),
            then(optimizer, end=end, **then_options),
        ]

    def ours(optimizer):
        more = {} if by_epoch else {'convert_to_iter_based': True}
        schedulers = build(optimizer, name, options, **more)
        assert schedulers[0].by_epoch == by_epoch
        return schedulers

    assert rates(ours, end) == rates(plain, end)


@pytest.mark.parametrize('end', [1, 2, 5, 6])
def test_warm_up_of_a_step_is_none(end):
    """A single step would stay at the rate of the start for ever."""
    found = rates(
        lambda optimizer: [
            WarmupCosineLR(optimizer, end=end, warmup_ratio=0.2)
        ],
        end,
    )
    assert found[0] == 0.7


def test_state_is_plain_and_brings_a_run_back():
    (full,) = build(make_optimizer(), 'WarmupCosineLR', COSINE)
    state = full.state_dict()
    assert all(
        isinstance(value, int | float | bool | list | type(None) | str)
        for value in state.values()
    )
    (resumed,) = build(make_optimizer(), 'WarmupCosineLR', COSINE)
    resumed.load_state_dict(state)
    assert resumed.state_dict() == state


@pytest.mark.parametrize('ratio', [-0.1, 1, 10])
def test_ratio_of_the_warm_up(ratio):
    with pytest.raises(UserError, match=str(ratio)):
        WarmupCosineLR(make_optimizer(), end=5, warmup_ratio=ratio)


def test_ratios_of_milestones():
    with pytest.raises(UserError, match='40'):
        WarmupMultiStepLR(
            make_optimizer(), end=5, warmup_ratio=0, milestone_ratios=[40]
        )
