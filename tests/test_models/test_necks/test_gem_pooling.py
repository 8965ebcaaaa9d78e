import pytest
import torch

from mmcion.models import BNNeck, GeneralizedMeanPooling
from mmcion.utils.checks import UserError
from tests.golden import golden_inputs, read_golden

CASES = read_golden('mgn')['cases']


@pytest.mark.parametrize('p', [3.0, 2.5, 1.0])
def test_golden(p):
    (feature_map,) = golden_inputs(CASES['gem']).values()
    expected = CASES['gem']['outputs'][f'p{p:g}']
    pooling = GeneralizedMeanPooling(p).double()
    pooled = pooling(feature_map)
    pooled.sum().backward()
    wanted = torch.tensor(expected['pooled'], dtype=torch.float64)
    torch.testing.assert_close(pooled.detach(), wanted, rtol=1e-9, atol=0)
    assert pooling.p.grad.item() == pytest.approx(
        expected['grad_p_of_sum'], rel=1e-9
    )
    fixed = GeneralizedMeanPooling(p, trainable=False)
    torch.testing.assert_close(fixed(feature_map), pooled)
    assert not list(fixed.parameters()) and not fixed.state_dict()


def test_golden_of_cross_modal_agw():
    case = CASES['gem_cross_modal_agw']
    (feature_map,) = golden_inputs(case).values()
    pooling = GeneralizedMeanPooling(
        trainable=False, eps=1e-12, eps_in_mean=True
    )
    expected = torch.tensor(case['outputs']['pooled'], dtype=torch.float64)
    torch.testing.assert_close(
        pooling(feature_map), expected, rtol=1e-9, atol=0
    )


@pytest.mark.parametrize('as_output', [lambda m: m, lambda m: (m[:, :2], m)])
def test_neck_pools_the_last_map(as_output):
    neck = BNNeck(4, pooling={'type': 'GeneralizedMeanPooling'}).eval()
    feature_map = torch.rand(2, 4, 3, 2)
    before, _ = neck(as_output(feature_map))
    assert torch.equal(before, neck.pooling(feature_map))
    assert 'pooling.p' in neck.state_dict()


@pytest.mark.parametrize(('name', 'value'), [('p', 0.0), ('eps', -1.0)])
def test_options_out_of_range(name, value):
    with pytest.raises(UserError, match=f'{name}.* {value}'):
        GeneralizedMeanPooling(**{name: value})
