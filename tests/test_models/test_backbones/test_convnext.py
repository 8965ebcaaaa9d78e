import pytest
import torch

from mmcion.models.backbones import ConvNeXt


def test_feature_is_normalised():
    model = ConvNeXt('tiny').eval()
    (last,) = model(torch.randn(2, 3, 64, 32))
    feats = last.flatten(1)
    torch.testing.assert_close(
        feats.mean(1), torch.zeros(2), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(
        feats.std(1, correction=0), torch.ones(2), atol=1e-2, rtol=0
    )


def test_start():
    torch.manual_seed(0)
    model = ConvNeXt('tiny').model
    layer = model.stages[0].blocks[0].mlp.fc1
    bound = layer.in_features**-0.5  # of PyTorch's uniform distribution
    assert layer.weight.abs().max() <= bound
    assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
    assert layer.bias.abs().max() > 0
    assert (model.stages[0].blocks[0].gamma == 1e-6).all()
