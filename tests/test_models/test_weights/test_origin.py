import pytest
import torch
from mmengine.config import Config

from mmcion.models import ReIDModel
from mmcion.models.weights import (
    ModelSpec,
    Origin,
    find_origin,
    load_part,
    model_origin,
    open_config,
    require_whole_model,
    save_model_file,
)
from mmcion.registry import MODELS
from mmcion.utils.checks import UserError

from ...tiny import FINE_TUNED, NECK, TinyBackbone, pretrainer_cfg

IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
HALF = {'mean': (0.5, 0.5, 0.5), 'std': (0.5, 0.5, 0.5)}
TINY = {'type': 'TinyBackbone'}


def save(path, model=FINE_TUNED['model'], **meta):
    """Save weights of a training with a config, as mmengine does."""
    text = Config({'model': model}).pretty_text
    parts = {'backbone': TinyBackbone(), 'neck': MODELS.build(NECK)}
    state = {
        f'{part}.{name}': tensor
        for part, network in parts.items()
        for name, tensor in network.state_dict().items()
    }
    meta = {'cfg': text, 'epoch': 1, **meta}
    torch.save({'state_dict': state, 'meta': meta}, path)
    return str(path)


def test_checkpoint_says_what_it_was_trained_with(tmp_path):
    found = find_origin(torch.load(save(tmp_path / 'a.pth', fingerprint={})))
    assert found.statistics == ((0.5, 0.5, 0.5),) * 2
    assert found.backbone == TINY
    assert found.fingerprint == {}


def test_model_file_says_it_too(tmp_path):
    spec = ModelSpec(TINY, custom_imports=['tests.tiny'], **HALF)
    content = torch.load(save(tmp_path / 'b.pth'))
    path = save_model_file(tmp_path / 'a.pth', content, spec)
    found = find_origin(torch.load(path))
    assert found.statistics == ([0.5] * 3,) * 2 and found.backbone == TINY


@pytest.mark.parametrize(
    'content',
    [
        [],
        {},
        {'meta': {}},
        {'meta': {'cfg': 'model = dict(type=open("x"))'}},
        {'meta': {'cfg': 'model = dict(type="mmdet.DINO")'}},
        {'teacher': {}, 'student': {}},
    ],
)
def test_of_others_nothing_is_known(content):
    assert find_origin(content) == Origin()
    Origin().require(model_origin(TINY, HALF))


def test_other_statistics_are_refused_unless_stated(tmp_path):
    path = save(tmp_path / 'a.pth')
    with pytest.raises(
        UserError, match=r'a\.pth: .*other_statistics'
    ) as error:
        ReIDModel(TINY, path)
    for value in ('0.5, 0.5, 0.5', '0.485, 0.456, 0.406'):
        assert value in str(error.value)
    ReIDModel(
        TINY, path, data_preprocessor=HALF | {'type': 'ReIDDataPreprocessor'}
    )
    assert ReIDModel(TINY, path, other_statistics=True).loaded['backbone'].fits
    pretrainer = MODELS.build(pretrainer_cfg(backbone_checkpoint=path))
    with pytest.raises(UserError, match=r'0\.485'):
        pretrainer.init_weights()
    # a network with its neck is evaluated on the images of its training
    with pytest.raises(UserError, match=r'0\.485'):
        ReIDModel(
            TINY, path, neck=NECK, neck_checkpoint=path, other_statistics=True
        )


def test_whole_models_are_compared(tmp_path):
    path = save(tmp_path / 'a.pth')
    model = ReIDModel(TINY, neck=NECK)
    with pytest.raises(UserError, match=r'0\.485'):
        require_whole_model(model, torch.load(path))
    cfg = Config({'model': {'type': 'ReIDModel', 'backbone': TINY}})
    with pytest.raises(UserError, match=r'0\.485'):
        open_config(cfg, path)


@pytest.mark.parametrize(
    ('before', 'now', 'refused'),
    [
        ({'depth': 50}, {'depth': 50, 'drop_path_rate': 0.1}, False),
        # a stride changes no tensor
        ({'depth': 50}, {'depth': 50, 'strides': (1, 2, 2, 2)}, True),
        ({'depth': 50}, {'depth': 50, 'strides': [1, 2, 2, 1]}, False),
        ({'depth': 18}, {'depth': 50}, True),
    ],
)
def test_architectures_are_compared(before, now, refused):
    one, other = ({'type': 'ResNet', **each} for each in (before, now))
    inner = {'type': 'Wrapper', 'trunk': other}
    for own, adapts in ((other, False), (inner, True)):
        if not refused:
            Origin(one).require(Origin(own), adapts=adapts)
            continue
        with pytest.raises(UserError) as error:
            Origin(one).require(Origin(own), adapts=adapts)
        assert str(one) in str(error.value) and str(own) in str(error.value)


def test_non_local_blocks_may_be_new_but_not_others():
    """As from MMGL to AGW, across modalities."""
    backbone = {'type': 'TwoStreamResNet', 'trunk': {}, 'thermal_cams': (3,)}
    without = Origin({**backbone, 'non_local': (0, 0, 0, 0)})
    own = Origin({**backbone, 'non_local': (0, 2, 3, 0), 'inner_channels': 1})
    without.require(own)
    own.require(own)
    for other in (Origin(backbone), without):
        with pytest.raises(UserError, match='non_local'):
            own.require(other)


def test_last_stride_of_a_pretraining_does_not_count():
    def text(**model):
        backbone = {'type': 'ResNet', 'depth': 50, 'strides': (1, 2, 2, 2)}
        cfg = Config({'model': {'backbone': backbone, **model}})
        return {'meta': {'cfg': cfg.pretty_text}}

    own = Origin({'type': 'ResNet', 'depth': 50, 'strides': (1, 2, 2, 1)})
    find_origin(text(type='MoCo')).require(own)
    with pytest.raises(UserError, match='strides'):
        find_origin(text(type='ReIDModel')).require(own)
    other = Origin({'type': 'ResNet', 'depth': 50, 'strides': (1, 1, 2, 2)})
    with pytest.raises(UserError, match='strides'):
        find_origin(text(type='MoCo')).require(other)


def test_another_class_is_another_architecture():
    one, other = Origin({'type': 'ResNet'}), Origin({'type': 'Wrapper'})
    with pytest.raises(UserError, match='Wrapper'):
        one.require(other)
    one.require(other, adapts=True)


def test_trained_network_is_not_adapted(tmp_path):
    path = save(tmp_path / 'a.pth')
    network = TinyBackbone()
    network.adapt_weights = lambda tensors: {}
    load_part(network, path, adapt=False)
    with pytest.raises(UserError):
        load_part(network, path)
