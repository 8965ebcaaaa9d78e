import pytest
import torch

from mmcion.models import MMGL, ResNet, TwoStreamResNet
from mmcion.models.weights import load_part
from mmcion.utils.checks import UserError

from .test_non_local_resnet import IMAGES, save

TRUNK = {'type': 'ResNet', 'depth': 18}


def make(**options):
    options = {'thermal_cams': (3, 6), 'non_local': (0, 1, 1, 0), **options}
    return TwoStreamResNet(TRUNK, **options).eval()


def split_stems(network):
    """Let the stems differ."""
    torch.nn.init.ones_(network.thermal['conv1'].weight)
    return network


def test_both_stems_start_from_that_of_the_weights(tmp_path):
    plain = ResNet(18).eval()
    network = make()
    load_part(network, save(tmp_path / 'a.pth', plain, 'teacher.backbone.'))
    (expected,) = plain(IMAGES)
    for cameras in ([1, 2], [3, 6]):
        assert torch.equal(network(IMAGES, cameras), expected)
    torch.testing.assert_close(network(IMAGES, [3, 1]), expected)


def test_camera_chooses_the_stem():
    network = split_stems(make())
    images = torch.cat([IMAGES, IMAGES])
    visible = network(IMAGES, [4, 5])
    thermal = network(IMAGES, [6, 3])
    assert not torch.allclose(visible, thermal)
    mixed = network(images, [6, 1, 2, 3])
    expected = torch.stack([thermal[0], visible[1], visible[0], thermal[1]])
    torch.testing.assert_close(mixed, expected)


def test_images_without_camera_are_what_is_said():
    with pytest.raises(UserError, match='unknown'):
        make()(IMAGES)
    with pytest.raises(UserError, match='unknown'):
        make()(IMAGES, [1, -1])
    network = split_stems(make(unknown='thermal'))
    thermal = network(IMAGES, [3, 3])
    assert torch.equal(network(IMAGES), thermal)
    assert torch.equal(network(IMAGES, [-1, -1]), thermal)
    with pytest.raises(UserError, match='infrared'):
        make(unknown='infrared')


def test_trained_weights_are_loaded_whole(tmp_path):
    trained, network = split_stems(make()), make()
    load_part(network, save(tmp_path / 'a.pth', trained))
    assert torch.equal(network(IMAGES, [1, 3]), trained(IMAGES, [1, 3]))


def test_weights_of_mmgl(tmp_path):
    modules = {
        name: ResNet(18)
        for name in (
            *('visible_module.visible', 'thermal_module.thermal'),
            'base_resnet.base',
        )
    }
    state = {
        f'{prefix}.{name}': tensor
        for prefix, part in modules.items()
        for name, tensor in part.state_dict().items()
    }
    state |= {
        'fc1.0.weight': torch.ones(2),
        'local_conv_list.0.x': torch.ones(1),
    }
    torch.save(state, tmp_path / 'mmgl.pth')
    network = make()
    load_part(network, tmp_path / 'mmgl.pth')
    visible, thermal, shared = modules.values()
    own = network.state_dict()
    for name, expected in (
        ('trunk.conv1.weight', visible.conv1.weight),
        ('thermal.conv1.weight', thermal.conv1.weight),
        ('trunk.layer4.1.conv2.weight', shared.layer4[1].conv2.weight),
    ):
        assert torch.equal(own[name], expected)


def test_pretraining_by_mmgl_without_its_heads(tmp_path):
    backbone = {
        'type': 'mmcion.TwoStreamResNet',
        'trunk': {**TRUNK, 'type': 'mmcion.ResNet'},
        'thermal_cams': (3, 6),
        'non_local': (0, 0, 0, 0),
    }
    pretrained = MMGL(
        backbone,
        {'type': 'PartProjector'},
        {'type': 'PermutationHead'},
        (3, 6),
    ).eval()
    split_stems(pretrained.student.backbone)
    torch.save({'state_dict': pretrained.state_dict()}, tmp_path / 'a.pth')
    network = make()  # with non-local blocks, which begin as identity
    load_part(network, tmp_path / 'a.pth')
    expected = pretrained.student.backbone(IMAGES, [3, 1])
    assert torch.equal(network(IMAGES, [3, 1]), expected)
