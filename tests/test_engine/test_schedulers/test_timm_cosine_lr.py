import math

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper, build_optim_wrapper

from mmcion.engine import TimmCosineLR
from mmcion.models import build_backbone
from mmcion.registry import PARAM_SCHEDULERS
from mmcion.utils.checks import UserError
from tests.golden import read_golden
from tests.tool_utils import ROOT

GOLDEN = read_golden('transreid')['cases']['learning_rates']['outputs']
RATE = 3.2e-3
RECIPES = {
    'transreid_cion': {'warmup_ratio': 20 / 120},
    'transreid_cion_warm_up_40': {'warmup_ratio': 40 / 120},
    'transreid_official': {'warmup_ratio': 5 / 120, 'first_step': 1},
}


def rates(first_step=0, end=120, scale=1.0, **options):
    """Rates of weights and biases, epoch by epoch."""
    groups = [
        {'params': [torch.zeros(1, requires_grad=True)], 'lr': rate * scale}
        for rate in (RATE, 2 * RATE)
    ]
    optimizer = OptimWrapper(torch.optim.SGD(groups, lr=RATE))
    cfg = {'type': 'mmcion.TimmCosineLR', 'end': end, **options}
    scheduler = PARAM_SCHEDULERS.build(
        {**cfg, 'first_step': first_step},
        default_args={'optimizer': optimizer},
    )
    found = []
    for _ in range(end):
        found.append([g['lr'] for g in optimizer.optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize('recipe', RECIPES)
def test_rates_are_the_published_ones(recipe):
    found = rates(**RECIPES[recipe])
    for epoch, expected in GOLDEN[recipe].items():
        both = found[int(epoch) - 1]
        if isinstance(expected, dict):
            expected = [expected['weights'], expected['biases']]
        else:
            both, expected = both[:1], [expected]
        assert both == pytest.approx([RATE * e for e in expected], rel=1e-12)


@pytest.mark.parametrize('recipe', RECIPES)
def test_rates_of_every_epoch(recipe):
    options = RECIPES[recipe]
    warmup = round(options['warmup_ratio'] * 120)
    for epoch, found in enumerate(rates(**options), start=1):
        t = epoch - 1 + options.get('first_step', 0)
        turn = (1 + math.cos(math.pi * t / 120)) / 2
        expected = [
            0.01 * RATE + t * (rate - 0.01 * RATE) / warmup
            if t < warmup
            else 0.002 * RATE + (rate - 0.002 * RATE) * turn
            for rate in (RATE, 2 * RATE)
        ]
        assert found == pytest.approx(expected, rel=1e-12)


def test_rates_scale_with_the_plain_one():
    first, scaled = rates(warmup_ratio=0.2), rates(warmup_ratio=0.2, scale=4)
    assert scaled == [pytest.approx([4 * r for r in both]) for both in first]


def test_training_without_warmup_begins_at_the_full_rate():
    assert rates(warmup_ratio=0)[0] == [RATE, 2 * RATE]


def test_every_tensor_with_bias_in_its_name_has_twice_the_rate():
    cfg = Config.fromfile(ROOT / 'configs/_base_/schedules/sgd-cos_120e.py')
    model = build_backbone('swin_tiny')
    wrapper = build_optim_wrapper(
        model, {**cfg.optim_wrapper, 'type': 'OptimWrapper'}
    )
    names = {id(p): name for name, p in model.named_parameters()}
    groups = wrapper.optimizer.param_groups
    assert len(groups) == len(names)
    for group in groups:
        (parameter,) = group['params']
        double = 'bias' in names[id(parameter)]
        assert group['lr'] == 4e-4 * (2 if double else 1)
        assert group['weight_decay'] == 1e-4
    assert any('relative_position_bias_table' in n for n in names.values())


@pytest.mark.parametrize(
    ('options', 'value'),
    [({'warmup_ratio': 1}, 'got 1'), ({'first_step': 2}, 'got 2')],
)
def test_arguments_are_checked(options, value):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1)
    with pytest.raises(UserError, match=value):
        TimmCosineLR(optimizer, end=9, **{'warmup_ratio': 0.1, **options})
