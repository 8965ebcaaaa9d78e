"""Weights of torchvision and timm, from these packages themselves."""

import pytest
import timm
import torch
from torchvision.models import resnet18

from mmcion.models import build_backbone, get_architecture
from mmcion.models.utils import pooled_feature
from mmcion.models.weights import convert_file, convert_weights, open_file
from mmcion.utils.checks import UserError
from tests.golden import golden_image


def features(backbone):
    with torch.inference_mode():
        return pooled_feature(backbone.eval()(golden_image(64, 32).float()))


def test_torchvision_itself():
    torch.manual_seed(0)
    network = resnet18()
    state, report = convert_weights(network.state_dict(), 'torchvision')
    assert report.name == 'resnet18'
    network.fc = torch.nn.Identity()
    network.layer4[0].conv2.stride = network.layer4[0].conv1.stride = (1, 1)
    network.layer4[0].downsample[0].stride = (1, 1)
    backbone = build_backbone('resnet18')
    backbone.load_state_dict(state)
    with torch.inference_mode():
        expected = network.eval()(golden_image(64, 32).float())
    torch.testing.assert_close(features(backbone), expected)


@pytest.mark.parametrize(
    ('name', 'arch'),
    [
        ('resnet18', 'resnet18'),
        ('ghostnet_050', 'ghostnet_0_5'),
        *(
            pytest.param(name, name, marks=pytest.mark.slow)
            for name in ('edgenext_x_small', 'fastvit_s12', 'convnext_tiny')
        ),
    ],
)
def test_timm_itself(name, arch):
    torch.manual_seed(0)
    network = timm.create_model(name, pretrained=False).eval()
    state, report = convert_weights(network.state_dict(), 'timm', arch=arch)
    assert report.fits
    backbone = build_backbone(arch)
    backbone.load_state_dict(state)
    if arch != 'resnet18':  # the last stride differs
        image = golden_image(64, 32).float()
        with torch.inference_mode():
            maps = network.forward_features(image)
            expected = network.forward_head(maps, pre_logits=True)
        torch.testing.assert_close(features(backbone), expected)


def test_table_of_timm_volo_is_for_squares():
    with torch.device('meta'):
        square = timm.create_model('volo_d1_224').state_dict()
        person = timm.create_model('volo_d1_224', img_size=(256, 128))
    with pytest.raises(UserError, match='images of another size'):
        convert_weights(square, 'timm', arch='volo_d1')
    _, report = convert_weights(person.state_dict(), 'timm')
    assert report.name == 'volo_d1' and report.fits


@pytest.mark.parametrize(
    ('name', 'arch', 'reason'),
    [
        ('repvit_m0_9', 'repvit_m0_9', 'another gate and width'),
        ('vit_tiny_patch16_224', 'vit_tiny', 'no ICS stem'),
        ('swin_tiny_patch4_window7_224', 'swin_tiny', 'windows are not 8 x 8'),
        ('resnet18', 'resnet18_ibn', 'resnet18_ibn of timm cannot be conv'),
        ('resnet18', 'swin_tiny', 'swin_tiny of timm cannot be converted: i'),
        ('resnet18d', None, 'architecture was not recognised'),
        ('resnet18d', 'resnet18', 'another structure'),
    ],
)
def test_structures_of_timm_that_differ(name, arch, reason):
    with torch.device('meta'):
        state = timm.create_model(name, pretrained=False).state_dict()
    with pytest.raises(UserError, match=reason):
        convert_weights(state, 'timm', arch=arch, allow_partial=True)


def test_timm_is_recognised():
    for name, arch in (
        ('convnext_small', 'convnext_small'),
        ('fastvit_sa12', 'fastvit_sa12'),
        ('edgenext_base', 'edgenext_base'),
        ('ghostnet_130', 'ghostnet_1_3'),
    ):
        with torch.device('meta'):
            state = timm.create_model(name, pretrained=False).state_dict()
        assert convert_weights(state, 'timm')[1].name == arch


@pytest.mark.parametrize(
    ('name', 'source', 'arch', 'options'),
    [
        (
            'vit_tiny_patch16_224',
            'personvit',
            'plain_vit_tiny',
            {'img_size': (256, 128)},
        ),
        ('vit_tiny_patch16_224', 'timm', 'plain_vit_tiny', {}),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in (
                (
                    'swin_tiny_patch4_window7_224',
                    'timm',
                    'plain_swin_tiny',
                    {},
                ),
                ('vit_small_patch14_dinov2', 'dinov2', 'dinov2_small', {}),
                ('vit_small_patch16_dinov3', 'timm', 'dinov3_small', {}),
            )
        ),
    ],
)
def test_plain_transformers_give_the_features_of_timm(
    name, source, arch, options, tmp_path
):
    torch.manual_seed(0)
    network = timm.create_model(name, pretrained=False, **options).eval()
    state = network.state_dict()
    if source != 'timm':  # what self-supervised training leaves in files
        state = {'mask_token': torch.ones(1, 1), **state}
        state = {
            'teacher': {f'module.backbone.{k}': v for k, v in state.items()}
        }
    torch.save(state, tmp_path / 'a.pth')
    file, report = convert_file(tmp_path / 'a.pth', tmp_path / 'b.pth', source)
    assert report.name == arch and report.fits
    model = open_file(file)
    assert model.spec.arch == arch
    # timm itself, as it loads weights for person images
    size = {'strict_img_size': False} if 'swin' in name else {}
    if 'dino' in name:
        size = {'dynamic_img_size': True}
        size |= {'dynamic_img_pad': True} if 'dinov2' in name else {}
    elif not size:
        size = {'img_size': (256, 128)}
    same = timm.create_model(name, pretrained=False, num_classes=0, **size)
    weights = (
        timm.models.vision_transformer.checkpoint_filter_fn(
            network.state_dict(), same
        )
        if name.startswith('vit') and 'dino' not in name
        else network.state_dict()
    )
    weights = {k: v for k, v in weights.items() if not k.startswith('head.')}
    same.load_state_dict(weights)
    image = golden_image(256, 128).float() / 255
    with torch.inference_mode():
        expected = same.eval().forward_features(image)
        token = expected.mean((1, 2)) if 'swin' in name else expected[:, 0]
        found = model(image)
    torch.testing.assert_close(found, token)
    assert found.shape[1] == get_architecture(arch).num_features


def test_plain_patches_name_the_source_to_use():
    with torch.device('meta'):
        state = timm.create_model('vit_tiny_patch16_224').state_dict()
    with pytest.raises(UserError, match='no ICS stem; try --from personvit'):
        convert_weights(state, 'transreid-ssl')
