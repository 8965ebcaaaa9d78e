import torch
from timm.utils import reparameterize_model
from torch import nn

from mmcion.models.backbones import FastViT


def test_branches_can_be_fused():
    torch.manual_seed(0)
    model = FastViT('sa12')
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    model.eval()
    fused = reparameterize_model(model)
    images = torch.randn(1, 3, 64, 32)
    with torch.inference_mode():
        torch.testing.assert_close(
            fused(images), model(images), rtol=1e-3, atol=1e-4
        )
    size, fused_size = (
        sum(p.numel() for p in network.parameters())
        for network in (model, fused)
    )
    assert fused_size < size
