import pytest
from mmengine.config import Config

from mmcion.models.weights import ModelSpec
from mmcion.utils.checks import UserError
from tests.tiny import FINE_TUNED, NECK, pretrainer_cfg


def config(**model):
    cfg = Config(FINE_TUNED)
    cfg.model.update(model)
    return cfg


def test_fine_tuned_network():
    spec = ModelSpec.from_config(config(), source='a test')
    assert spec.backbone == {'type': 'TinyBackbone'}
    assert spec.neck == NECK and spec.neck_feat == 'before'
    assert spec.custom_imports == ['tests.tiny']
    assert tuple(spec.input_size) == (16, 8)
    assert tuple(spec.mean) == tuple(spec.std) == (0.5, 0.5, 0.5)
    assert (spec.statistics, spec.source) == ('custom', 'a test')
    assert spec.arch is None
    built = spec.model_config()
    assert built['neck'] == NECK and 'head' not in built


def test_pretrained_network_is_a_bare_backbone():
    cfg = Config({'model': pretrainer_cfg()})
    spec = ModelSpec.from_config(cfg)
    assert spec.backbone['type'] == 'TinyBackbone' and spec.neck is None
    assert tuple(spec.input_size) == (256, 128)
    views = {'type': 'MultiCrop', 'global_size': (32, 16)}
    cfg.train_dataloader = {'dataset': {'pipeline': [views]}}
    assert tuple(ModelSpec.from_config(cfg).input_size) == (32, 16)


def test_images_are_resized_as_in_the_config():
    cfg = config()
    resize = cfg.test_dataloader.dataset.pipeline[1]
    assert ModelSpec.from_config(cfg).pipeline[1].keys() == {'type', 'size'}
    resize.interpolation = 'bilinear'
    spec = ModelSpec.from_config(cfg)
    assert spec.resize['interpolation'] == 'bilinear'
    assert spec.pipeline[1]['interpolation'] == 'bilinear'


def test_options_replace_those_of_the_config():
    spec = ModelSpec.from_config(config(), input_size=(64, 32))
    assert spec.pipeline[1]['size'] == (64, 32)


@pytest.mark.parametrize(
    ('backbone', 'arch'),
    [
        ({'type': 'ResNetIBN', 'depth': 50}, 'resnet50_ibn'),
        ({'type': 'mmcion.VOLO', 'arch': 'd1'}, 'volo_d1'),
        ({'type': 'ConvNeXt', 'arch': 'tiny', 'x': 0.1}, 'convnext_tiny'),
        ({'type': 'mmpretrain.ResNet', 'depth': 50}, None),
        ({'type': 'ResNet', 'depth': 34}, None),
    ],
)
def test_architecture_is_found_by_the_config(backbone, arch):
    assert ModelSpec(backbone).arch == arch


@pytest.mark.parametrize(
    ('mean', 'std', 'statistics'),
    [
        ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225], 'ImageNet'),
        ([0.3525, 0.3106, 0.3140], [0.2660, 0.2522, 0.2505], 'LUPerson'),
        ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5], 'custom'),
        (None, None, 'none'),
    ],
)
def test_statistics_are_named(mean, std, statistics):
    spec = ModelSpec({'type': 'ResNet'}, mean=mean, std=std)
    assert spec.statistics == statistics


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'std': (0.2, 0, 0.2)}, r'std .* above 0, .* got \(0\.2, 0,'),
        ({'std': (0.2, -0.1, 0.2)}, r'std .*-0\.1'),
        ({'std': (0.2, float('inf'), 0.2)}, 'std .*inf'),
        ({'std': (0.2, 0.2)}, r'std .*\(0\.2, 0\.2\)'),
        ({'std': None}, 'std .*None'),
        ({'mean': (0.2, float('nan'), 0.2)}, 'mean .*nan'),
        ({'mean': (0.2,)}, r'mean .*\(0\.2,\)'),
        ({'input_size': (256, 0)}, r'input_size .*\(256, 0\)'),
        ({'input_size': (256.0, 128.0)}, r'input_size .*256\.0'),
        ({'input_size': (3, 256, 128)}, r'input_size .*\(3, 256, 128\)'),
        ({'threshold': {'similarity': 2}}, r'similarity .* got 2'),
        ({'threshold': {'similarity': 0.5}}, r'false_match_rate .* got None'),
        ({'notes': {'x': pytest}}, 'module'),
    ],
)
def test_values_that_no_model_can_have(options, message):
    with pytest.raises(UserError, match=message):
        ModelSpec({'type': 'ResNet'}, **options)


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        ({'model.type': 'OwnModel'}, 'OwnModel'),
        (
            {'test_dataloader.dataset.pipeline': [{'type': 'PadToSquare'}]},
            'PadToSquare',
        ),
        ({'model.data_preprocessor': {'type': 'Own', '_delete_': 1}}, 'Own'),
    ],
)
def test_networks_that_cannot_be_described(change, named):
    cfg = config()
    cfg.merge_from_dict(change)
    with pytest.raises(UserError, match=named):
        ModelSpec.from_config(cfg)
