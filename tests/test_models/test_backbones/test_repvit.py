import pytest
import torch
from timm.layers import SqueezeExcite
from torch.nn.functional import relu6

from mmcion.models.backbones import RepViT


# the first two differ from timm's 16 and 32
@pytest.mark.parametrize(
    ('arch', 'stage', 'width'), [('m0_9', 0, 12), ('m1_0', 1, 28)]
)
def test_squeezed_width(arch, stage, width):
    block = RepViT(arch).model.stages[stage].blocks[0]
    assert block.se.fc1.out_channels == width


def test_gate_is_a_hard_sigmoid():
    model = RepViT('m0_9')
    gates = [m for m in model.modules() if isinstance(m, SqueezeExcite)]
    assert len(gates) == 10
    x = 5 * torch.randn(2, gates[0].fc1.in_channels, 3, 3)
    squeezed = gates[0].fc2(gates[0].fc1(x.mean((2, 3), True)).relu())
    torch.testing.assert_close(
        gates[0](x), x * relu6(squeezed + 3) / 6, rtol=1e-5, atol=1e-6
    )
