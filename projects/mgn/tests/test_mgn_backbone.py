import re

import pytest
import torch

from mmcion.models.architectures import backbone_shapes
from mmcion.models.backbones.ibn import IBN
from mmcion.models.weights import load_part
from mmcion.registry import MODELS
from mmcion.utils.checks import UserError

from ..mgn import MGNBackbone

# the structure of a ResNet, in a hundredth of a second
TINY = {'depth': 18, 'stem_channels': 4, 'base_channels': 4}
KINDS = ('ResNet', 'ResNetIBN')


def make(kind='ResNet', **options):
    torch.manual_seed(0)
    return MGNBackbone({'type': f'mmcion.{kind}', **TINY, **options}).eval()


@pytest.fixture(params=KINDS)
def plain(request):
    """A plain ResNet with statistics of its own."""
    torch.manual_seed(1)
    resnet = MODELS.build({'type': f'mmcion.{request.param}', **TINY})
    resnet(torch.randn(4, 3, 48, 32))
    return resnet.eval()


@pytest.mark.parametrize(
    'path_of', ['{}', 'backbone.{}', 'teacher.backbone.{}', 'module.base.{}']
)
def test_weights_of_a_plain_resnet_fill_every_branch(plain, path_of, tmp_path):
    state = {path_of.format(k): v for k, v in plain.state_dict().items()}
    torch.save(state, tmp_path / 'plain.pth')
    backbone = make(type(plain).__name__)
    report = load_part(backbone, tmp_path / 'plain.pth')
    assert report.fits and len(report.found) == len(backbone.state_dict())
    images = torch.randn(2, 3, 48, 32)
    (expected,) = plain(images)
    for each in backbone(images):
        assert torch.equal(each, expected)


def test_own_weights_stay_apart(tmp_path):
    trained, backbone = make(), make()
    with torch.no_grad():
        trained.b2.layer4[0].conv1.weight.add_(1)
    torch.save(
        {f'backbone.{k}': v for k, v in trained.state_dict().items()},
        tmp_path / 'own.pth',
    )
    load_part(backbone, tmp_path / 'own.pth')
    for name, tensor in backbone.state_dict().items():
        assert torch.equal(tensor, trained.state_dict()[name]), name


def test_weights_of_another_architecture_are_refused(tmp_path):
    other = MODELS.build({'type': 'mmcion.ResNetIBN', **TINY})
    torch.save(other.state_dict(), tmp_path / 'ibn.pth')
    with pytest.raises(UserError, match=r'ibn\.pth.*IN\.weight'):
        load_part(make(), tmp_path / 'ibn.pth')


def test_weights_with_infinity_are_named(plain, tmp_path):
    state = plain.state_dict()
    state['layer4.0.conv1.weight'][0] = torch.inf
    torch.save(state, tmp_path / 'plain.pth')
    with pytest.raises(UserError, match=r'b1\.layer4\.0\.conv1\.weight has'):
        load_part(make(type(plain).__name__), tmp_path / 'plain.pth')


def test_maps_have_a_sixteenth_of_the_size():
    maps = make()(torch.randn(1, 3, 384, 128))
    assert [each.shape for each in maps] == [(1, 32, 24, 8)] * 3
    assert make().num_features == 32


def test_layer4_alone_has_no_ibn():
    with_ibn = {
        name.split('.')[1]
        for name, module in make('ResNetIBN').named_modules()
        if isinstance(module, IBN)
    }
    assert with_ibn == {'layer1', 'layer2', 'layer3'}


@pytest.mark.parametrize(
    ('arch', 'trunk', 'branch'),
    [
        ('resnet50', 2.957, 20.551),
        ('resnet101', 2.957, 39.543),
        ('resnet152_ibn', 4.078, 54.066),
    ],
)
def test_number_of_parameters(arch, trunk, branch):
    shapes = {
        name: torch.empty(shape, device='meta')
        for name, shape in backbone_shapes(arch).items()
        if not re.search('running|tracked', name)
    }
    found = dict.fromkeys(('trunk', 'b1', 'b2', 'b3'), 0)
    for name, tensor in MGNBackbone.adapt_weights(shapes).items():
        found[name.split('.')[0]] += tensor.numel()
    sizes = [round(number / 1e6, 3) for number in found.values()]
    assert sizes == [trunk, branch, branch, branch]
