import pytest
import torch
from mmengine.registry import MODEL_WRAPPERS
from torch import nn

from mmcion.engine import Bf16OptimWrapper, DecayGroupsConstructor
from mmcion.utils.checks import UserError

ADAMW = {'type': 'AdamW', 'lr': 1e-3, 'weight_decay': 0.04}


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.pos_embed = nn.Parameter(torch.zeros(1, 5, 4))
        self.layer_scale = nn.Parameter(torch.zeros(4, 1, 1))
        self.table = nn.Module()
        self.table.bias = nn.Parameter(torch.zeros(3, 3))
        self.gamma = nn.Parameter(torch.zeros(4))
        self.frozen = nn.Parameter(torch.zeros(4, 1), requires_grad=False)


@MODEL_WRAPPERS.register_module(force=True)
class DecayTestWrapper(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module


def build(model, **wrapper):
    return DecayGroupsConstructor({'optimizer': ADAMW, **wrapper})(model)


def names_of_groups(model, groups):
    names = {id(p): name for name, p in model.named_parameters()}
    return [{names[id(p)] for p in group['params']} for group in groups]


@pytest.mark.parametrize('wrap', [lambda m: m, DecayTestWrapper])
def test_biases_and_vectors_do_not_decay(wrap):
    model = Model()
    groups = build(wrap(model)).optimizer.param_groups
    assert names_of_groups(model, groups) == [
        {'conv.weight', 'pos_embed', 'layer_scale'},
        {'conv.bias', 'norm.weight', 'norm.bias', 'table.bias', 'gamma'},
    ]
    assert [group['weight_decay'] for group in groups] == [0.04, 0.0]
    assert {group['lr'] for group in groups} == {1e-3}


def test_empty_group_is_left_out():
    groups = build(nn.Linear(3, 2, bias=False)).optimizer.param_groups
    assert len(groups) == 1


def test_wrapper_is_the_one_asked_for():
    wrapper = build(
        Model(), type='mmcion.Bf16OptimWrapper', accumulative_counts=3
    )
    assert isinstance(wrapper, Bf16OptimWrapper)
    assert wrapper._accumulative_counts == 3


def test_config_stays_as_it_was():
    cfg = {'type': 'OptimWrapper', 'optimizer': dict(ADAMW)}
    DecayGroupsConstructor(cfg)(Model())
    assert cfg == {'type': 'OptimWrapper', 'optimizer': ADAMW}


def test_rule_cannot_be_bent():
    with pytest.raises(UserError, match='norm_decay_mult'):
        DecayGroupsConstructor({'optimizer': ADAMW}, {'norm_decay_mult': 0})
