import pytest
import torch

from mmcion.models.backbones import ResNet
from mmcion.utils.checks import UserError


def test_last_stage_keeps_the_resolution():
    model = ResNet(18).eval()
    with torch.no_grad():
        (last,) = model(torch.zeros(1, 3, 64, 32))
    assert last.shape == (1, 512, 4, 2)
    assert model.num_features == 512


def test_start_survives_the_runner():
    torch.manual_seed(0)
    model = ResNet(50)
    before = {name: p.clone() for name, p in model.named_parameters()}
    weight = before['layer3.0.conv2.weight']
    assert weight.std().item() == pytest.approx((2 / 9 / 256) ** 0.5, rel=0.01)
    assert (before['layer3.0.bn3.weight'] == 1).all()

    model.init_weights()

    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name])


def test_unknown_depth():
    with pytest.raises(UserError, match=r'18, 34, 50, 101, 152.* 20'):
        ResNet(20)
