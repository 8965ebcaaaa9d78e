import pytest
import torch

from mmcion.models.backbones import TimmBackbone
from mmcion.registry import MODELS
from mmcion.utils.checks import UserError


class Tiny(TimmBackbone):
    archs = ('resnet',)
    timm_name = 'test_{}'
    min_size = 32


def test_last_map_of_a_timm_model():
    model = Tiny('resnet', stem_width=16).eval()
    assert model.model.conv1[0].out_channels == 16
    images = torch.randn(2, 3, 64, 32)
    (last,) = model(images)
    assert last.shape == (2, model.num_features, 2, 1)
    torch.testing.assert_close(last.mean((2, 3)), model.model(images))


def test_structure_that_ends_in_a_vector():
    model = Tiny('resnet').eval()
    model.ends_in_vector = True
    images = torch.randn(2, 3, 64, 32)
    (last,) = model(images)
    torch.testing.assert_close(last, model.model(images)[:, :, None, None])


def test_unknown_architecture():
    with pytest.raises(UserError, match=r"'resnet'.* 'two'"):
        Tiny('two')
    with pytest.raises(UserError, match=r"'x_small'.* 'tiny'"):
        MODELS.build({'type': 'mmcion.EdgeNeXt', 'arch': 'tiny'})


def test_too_small_image():
    with pytest.raises(UserError, match=r'Tiny.* 32 x 32 .* 31 x 64'):
        Tiny('resnet')(torch.zeros(1, 3, 31, 64))


def test_torch_default_initialisation(monkeypatch):
    monkeypatch.setattr(Tiny, 'torch_init', True)
    conv = Tiny('resnet').model.conv1[0]
    bound = (conv.in_channels * 9) ** -0.5  # of PyTorch's uniform distribution
    assert 0.9 * bound < conv.weight.abs().max() <= bound
