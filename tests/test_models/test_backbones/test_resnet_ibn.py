import pytest
import torch
from torch import nn

from mmcion.models.backbones import ResNetIBN
from mmcion.models.backbones.ibn import IBN
from mmcion.utils.checks import UserError
from tests.golden import reidzoo_keys


@pytest.mark.parametrize('depth', [18, 50])
def test_names_and_shapes_of_the_released_checkpoints(depth):
    state = ResNetIBN(depth).state_dict()
    shapes = {name: list(tensor.shape) for name, tensor in state.items()}
    released = reidzoo_keys()[f'resnet{depth}_ibn']['keys']
    assert shapes == {name: shape for name, shape, _ in released}


def test_ibn_begins_the_blocks_of_three_stages():
    model = ResNetIBN(18)
    for stage in (1, 2, 3):
        for block in getattr(model, f'layer{stage}'):
            assert isinstance(block.bn1, IBN)
    assert all(isinstance(b.bn1, nn.BatchNorm2d) for b in model.layer4)


def test_image_with_nothing_to_normalise_over():
    model = ResNetIBN(18).eval()
    with torch.inference_mode():
        assert model(torch.zeros(1, 3, 17, 16))[-1].shape[2:] == (2, 1)
        with pytest.raises(UserError, match='16 x 16'):
            model(torch.zeros(1, 3, 16, 16))
