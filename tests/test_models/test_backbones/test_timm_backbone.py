import pytest
import torch
from torch import nn

from mmcion.models.backbones import TimmBackbone
from mmcion.models.backbones.timm_backbone import reset_to_torch_default
from mmcion.registry import MODELS
from mmcion.utils.checks import UserError


class Tiny(TimmBackbone):
    archs = {'one': 'test_resnet'}  # noqa: RUF012
    min_size = 32


def test_last_map_of_a_timm_model():
    model = Tiny('one', stem_width=16).eval()
    assert model.model.conv1[0].out_channels == 16
    images = torch.randn(2, 3, 64, 32)
    (last,) = model(images)
    assert last.shape == (2, model.num_features, 2, 1)
    torch.testing.assert_close(last.mean((2, 3)), model.model(images))


def test_structure_that_ends_in_a_vector():
    model = Tiny('one').eval()
    model.ends_in_vector = True
    images = torch.randn(2, 3, 64, 32)
    (last,) = model(images)
    torch.testing.assert_close(last, model.model(images)[:, :, None, None])


def test_unknown_architecture():
    with pytest.raises(UserError, match=r"'one'.* 'two'"):
        Tiny('two')
    with pytest.raises(UserError, match=r"'x_small'.* 'tiny'"):
        MODELS.build({'type': 'mmcion.EdgeNeXt', 'arch': 'tiny'})


def test_too_small_image():
    with pytest.raises(UserError, match=r'Tiny.* 32 x 32 .* 31 x 64'):
        Tiny('one')(torch.zeros(1, 3, 31, 64))


def test_torch_default_initialisation():
    network = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Linear(8, 2), nn.ReLU())
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    torch.manual_seed(0)
    reset_to_torch_default(network)
    torch.manual_seed(0)
    for module in (nn.Conv2d(3, 8, 1), nn.Linear(8, 2)):
        found = network[0 if isinstance(module, nn.Conv2d) else 1]
        assert torch.equal(found.weight, module.weight)
        assert torch.equal(found.bias, module.bias)
