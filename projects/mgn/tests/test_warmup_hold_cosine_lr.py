import pytest
import torch
from mmengine.optim import OptimWrapper

from mmcion.utils.checks import UserError
from tests.golden import read_golden

from ..mgn import WarmupHoldCosineLR

GOLDEN = read_golden('mgn')['cases']['learning_rates']['outputs']
RATIOS = {'warmup_ratio': 10 / 60, 'hold_ratio': 30 / 60}


def make(**options):
    weight = torch.nn.Parameter(torch.zeros(1))
    wrapper = OptimWrapper(torch.optim.Adam([weight], lr=3.5e-4))
    return wrapper, {'optimizer': wrapper, **RATIOS, **options}


def test_golden():
    wrapper, options = make(end=60, epoch_length=202, eta_min=7.7e-7)
    scheduler = WarmupHoldCosineLR.build_iter_from_epoch(**options)
    assert not scheduler.by_epoch
    rates = []
    for _ in range(60 * 202):
        rates += wrapper.get_lr()['lr']
        scheduler.optimizer._global_step = 0  # as if it had made a step
        scheduler.step()
    for step, rate in GOLDEN['mgn_absolute_202_per_epoch'].items():
        assert rates[int(step)] == pytest.approx(rate, rel=1e-9), step


def test_schedule_without_warm_up_or_plateau():
    wrapper, options = make(end=4)
    scheduler = WarmupHoldCosineLR(
        **{**options, 'warmup_ratio': 0, 'hold_ratio': 0}
    )
    rates = []
    for _ in range(4):
        rates += wrapper.get_lr()['lr']
        scheduler.optimizer._global_step = 0
        scheduler.step()
    assert rates[0] == 3.5e-4
    assert rates[2] == pytest.approx(1.75e-4)


@pytest.mark.parametrize(
    ('warmup_ratio', 'hold_ratio', 'value'), [(0.6, 0.5, 0.6), (0.1, 1, 1)]
)
def test_ratios_out_of_order(warmup_ratio, hold_ratio, value):
    _, options = make(end=60)
    options.update(warmup_ratio=warmup_ratio, hold_ratio=hold_ratio)
    with pytest.raises(UserError, match=f'got {value}'):
        WarmupHoldCosineLR(**options)
