import pytest
import torch

from mmcion.models import NonLocalBlock
from mmcion.utils.checks import UserError
from tests.golden import golden_inputs, read_golden

CASES = read_golden('agw')['cases']


@pytest.mark.parametrize('name', ['non_local_half_width', 'non_local_width_1'])
def test_golden(name):
    case = CASES[name]
    inputs = golden_inputs(case)
    inner = case['params']['inner_channels']
    default = None if name.endswith('half_width') else inner
    block = NonLocalBlock(4, default).double().eval()
    state = {'W.1.num_batches_tracked': torch.tensor(0)}
    for key, value in inputs.items():
        layer, _, kind = key.partition('_')
        layer = {'W0': 'W.0', 'W1': 'W.1'}.get(layer, layer)
        is_conv = kind == 'weight' and layer != 'W.1' and key != 'x'
        state[f'{layer}.{kind}'] = value[..., None, None] if is_conv else value
    x = state.pop('x.')
    block.load_state_dict(state)
    expected = torch.tensor(case['outputs']['z'], dtype=torch.float64)
    torch.testing.assert_close(block(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('inner_channels', [None, 1, 3])
def test_identity_at_the_start(inner_channels):
    block = NonLocalBlock(6, inner_channels)
    x = torch.randn(2, 6, 4, 3)
    assert torch.equal(block(x), x)
    # and it learns: the gradient of the last norm is not 0
    block(x).square().sum().backward()
    assert block.W[1].weight.grad.abs().min() > 0


def test_width():
    assert NonLocalBlock(8).theta.out_channels == 4
    assert NonLocalBlock(8, 1).g.out_channels == 1
    with pytest.raises(UserError, match='0'):
        NonLocalBlock(8, 0)
