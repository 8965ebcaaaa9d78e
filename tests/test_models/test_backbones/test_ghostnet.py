import torch
from torch import nn

from mmcion.models.backbones import GhostNet


def test_feature_is_positive_and_never_dropped_out():
    torch.manual_seed(0)
    model = GhostNet('0_5').train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    images = torch.randn(2, 3, 64, 32)
    (first,), (second,) = model(images), model(images)
    assert torch.equal(first, second)
    assert first.min() == 0
    assert first.shape == (2, 1280, 1, 1)
