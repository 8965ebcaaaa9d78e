from copy import deepcopy

import pytest
import torch
from torch import nn

from mmcion.models import (
    build_backbone,
    find_architecture,
    get_architecture,
    list_architectures,
)
from mmcion.models.architectures import backbone_shapes
from mmcion.models.utils import pooled_feature
from mmcion.utils.checks import UserError
from tests.golden import SMALLEST, read_golden, reidzoo_keys

LARGER = [name for name in list_architectures() if name not in SMALLEST]
ALL = SMALLEST + [
    pytest.param(name, marks=pytest.mark.slow) for name in LARGER
]
POOLED = ('ghostnet', 'edgenext', 'convnext', 'volo', 'vit')


def images(*size):
    return torch.randn(size, generator=torch.Generator().manual_seed(0))


def last_size(name, height, width):
    if name.startswith(POOLED):
        return (1, 1)
    stride = 16 if name.startswith('resnet') else 32
    return (height // stride, width // stride)


def test_the_published_32():
    assert len(list_architectures()) == 32
    assert set(list_architectures()) == set(reidzoo_keys())
    assert set(list_architectures()) == set(read_golden('backbones'))
    for name, entry in reidzoo_keys().items():
        assert get_architecture(name).num_features == entry['embed_dim']


@pytest.mark.parametrize(
    ('spelling', 'name'),
    [
        *((name, name) for name in list_architectures()),
        *((name.replace('_', '-'), name) for name in list_architectures()),
        ('ResNet50-IBN', 'resnet50_ibn'),
        ('resnet50_ibn_a', 'resnet50_ibn'),
        ('vit_small_p16', 'vit_small'),
        ('ViT-B', 'vit_base'),
        ('swin-t', 'swin_tiny'),
        ('convnext_s', 'convnext_small'),
        ('edgenext_xs', 'edgenext_x_small'),
        ('EdgeNeXt-B', 'edgenext_base'),
        ('ghostnet_1.3x', 'ghostnet_1_3'),
        ('RepViT-M0.9', 'repvit_m0_9'),
        ('FastViT-SA12', 'fastvit_sa12'),
        ('volo-d2', 'volo_d2'),
    ],
)
def test_spellings(spelling, name):
    assert get_architecture(spelling).name == name


def test_unknown_name_lists_similar_ones():
    with pytest.raises(UserError, match=r"no architecture 'resnet-60' \(did "):
        get_architecture('resnet-60')
    with pytest.raises(UserError, match=r'you mean vit_tiny'):
        get_architecture('vit_tini')
    with pytest.raises(UserError, match='All are: resnet18, '):
        get_architecture('?')


def test_configs_may_be_changed():
    get_architecture('resnet18').backbone['depth'] = 50
    assert get_architecture('resnet18').backbone['depth'] == 18


def test_config_leads_back_to_the_name():
    for name in list_architectures():
        assert find_architecture(get_architecture(name).backbone) == name
    assert find_architecture({'type': 'VOLO', 'arch': 'd1'}) == 'volo_d1'
    assert find_architecture({'type': 'ResNet', 'depth': 34}) is None


@pytest.mark.parametrize('name', ['resnet18', 'vit_tiny'])
def test_shapes_are_those_of_the_backbone(name):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    backbone_shapes.cache_clear()
    shapes = backbone_shapes(name)
    # random numbers of the caller are left alone
    assert torch.equal(torch.rand(3), expected)
    state = build_backbone(name).state_dict()
    assert shapes == {key: tensor.shape for key, tensor in state.items()}


@pytest.mark.parametrize('name', ALL)
def test_any_size_gives_the_feature(name):
    model = build_backbone(name)
    assert model.eval() is model
    for height, width in ((128, 64), (192, 64), (45, 37)):
        with torch.inference_mode():
            outputs = model(images(1, 3, height, width))
        feats = pooled_feature(outputs)
        assert feats.shape == (1, model.num_features)
        assert feats.isfinite().all()
        if height % 32 == 0:
            assert outputs[-1].shape[2:] == last_size(name, height, width)


@pytest.mark.parametrize('name', ALL)
def test_copies_train_in_bfloat16(name):
    torch.manual_seed(0)
    model = build_backbone(name)
    copy = deepcopy(model).train()
    with torch.autocast('cpu', torch.bfloat16):
        feats = pooled_feature(copy(images(2, 3, 64, 32)))
    (feats.float() * images(*feats.shape)).sum().backward()
    for parameter in copy.parameters():
        assert parameter.grad.isfinite().all()
    assert all(parameter.grad is None for parameter in model.parameters())
    copy.load_state_dict(model.state_dict())
    batch = images(3, 3, 64, 32)
    with torch.inference_mode():
        (together,) = model.eval()(batch)
        (alone,) = copy.eval()(batch[1:2])
    torch.testing.assert_close(
        together[1:2], alone, rtol=0, atol=1e-4 * float(alone.abs().max())
    )


@pytest.mark.parametrize('name', SMALLEST)
def test_synchronised_norms_give_the_same(name):
    # torch replaces timm's norm with activation by one without
    torch.manual_seed(0)
    model = build_backbone(name).eval()
    synchronised = nn.SyncBatchNorm.convert_sync_batchnorm(deepcopy(model))
    x = images(1, 3, 64, 32)
    with torch.inference_mode():
        torch.testing.assert_close(synchronised(x), model(x))


# those that were written here, not in timm or mmpretrain; tests of the export
# to ONNX cover repvit
@pytest.mark.parametrize(
    'name',
    [
        *('resnet18_ibn', 'volo_d1', 'vit_tiny', 'swin_tiny'),
        pytest.param('solider_swin_tiny', marks=pytest.mark.slow),
    ],
)
def test_export_with_any_batch_size(name):
    model = build_backbone(name).eval()
    # two blocks of each stage: the others are like them, and take as long
    for path, stage in list(model.named_modules()):
        blocks = isinstance(stage, nn.Sequential) and {*map(type, stage)}
        # ``layers`` of Swin holds its stages
        if blocks and len(blocks) == 1 and not path.endswith('layers'):
            del stage[2:]
    batch = torch.export.Dim('batch', min=2, max=64)
    exported = torch.export.export(
        model, (images(4, 3, 64, 32),), dynamic_shapes=({0: batch},)
    )
    for size in (2, 7):
        x = images(size, 3, 64, 32)
        with torch.inference_mode():
            torch.testing.assert_close(exported.module()(x), model(x))
