import pytest
import torch

from mmcion.models.backbones import EdgeNeXt


@pytest.mark.parametrize(('arch', 'heads'), [('x_small', 4), ('small', 8)])
def test_start(arch, heads):
    torch.manual_seed(0)
    model = EdgeNeXt(arch).model
    layer = model.stages[3].blocks[0].mlp.fc1
    bound = layer.in_features**-0.5  # of PyTorch's uniform distribution
    assert layer.weight.abs().max() <= bound
    assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
    attention = model.stages[1].blocks[2]
    assert (attention.xca.temperature == torch.ones(heads, 1, 1)).all()
    assert (attention.gamma_xca == 1e-6).all()
