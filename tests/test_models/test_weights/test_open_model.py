import pytest
import torch
from mmengine.config import Config

from mmcion.models import ReIDModel, build_backbone
from mmcion.models.weights import (
    ModelSpec,
    open_config,
    open_file,
    open_model,
    save_model_file,
    use_checkpoint,
)
from mmcion.registry import MODELS
from mmcion.utils.checks import UserError
from tests.tiny import DIM, make_pretrainer, pretrainer_cfg

BACKBONE = {'type': 'TinyBackbone', 'use_bn': True}
NECK = {'type': 'BNNeck', 'in_channels': DIM}
HEAD = {'type': 'ReIDHead', 'in_channels': DIM, 'num_classes': 5}
HALF = {'mean': (0.5, 0.5, 0.5), 'std': (0.5, 0.5, 0.5)}
IMAGES = torch.randn(2, 3, 16, 8, generator=torch.Generator().manual_seed(0))


def features(model):
    with torch.no_grad():
        return model.eval()(IMAGES)


@pytest.fixture
def pretrained(tmp_path):
    pretrainer = make_pretrainer(use_bn=True, seed=5)
    with torch.no_grad():
        pretrainer.student.backbone[0].weight.add_(1)
    path = tmp_path / 'pretrained.pth'
    cfg = Config({'model': pretrainer_cfg(use_bn=True)})
    state = pretrainer.state_dict()
    torch.save({'state_dict': state, 'meta': {'cfg': cfg.pretty_text}}, path)
    return path, features(pretrainer)


@pytest.fixture
def fine_tuned(tmp_path):
    cfg = {'backbone': BACKBONE, 'neck': NECK, 'head': HEAD}
    torch.manual_seed(1)
    model = ReIDModel(**cfg)
    model.neck(torch.randn(9, DIM))  # statistics of its own
    cfg = Config({'model': {'type': 'ReIDModel', **cfg}})
    path = tmp_path / 'fine-tuned.pth'
    meta = {'cfg': cfg.pretty_text}
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, path)
    return path, features(model)


@pytest.mark.parametrize('name', ['pretrained', 'fine_tuned'])
def test_checkpoint_of_training_opens_by_its_path(name, request):
    path, expected = request.getfixturevalue(name)
    model = open_file(path)
    assert not model.training and model.spec is None
    assert torch.equal(features(model), expected)
    assert (model.neck is not None) == (name == 'fine_tuned')
    assert model.head is None and 'backbone' in model.cfg.model


@pytest.mark.parametrize('name', ['pretrained', 'fine_tuned'])
def test_config_with_weights(name, request):
    path, expected = request.getfixturevalue(name)
    cfg = open_file(path).cfg
    model = open_config(cfg, path)
    assert torch.equal(features(model), expected)
    assert model.cfg is cfg


def test_config_of_the_backbone_alone(pretrained, fine_tuned):
    cfg = Config({'model': {'type': 'ReIDModel', 'backbone': BACKBONE}})
    for path, expected in (pretrained, fine_tuned):
        model = open_config(cfg, path)
        equal = torch.equal(features(model), expected)
        assert equal == (path is pretrained[0])  # the other has a neck


def test_config_without_weights_starts_as_it_says(pretrained):
    path, expected = pretrained
    for cfg in (
        pretrainer_cfg(use_bn=True, backbone_checkpoint=str(path)),
        {
            'type': 'ReIDModel',
            'backbone': BACKBONE,
            'backbone_checkpoint': str(path),
        },
    ):
        model = open_config(Config({'model': cfg}))
        assert torch.equal(features(model), expected)


def test_modules_of_a_config_are_imported():
    model = {'type': 'ReIDModel', 'backbone': BACKBONE}
    imports = {'imports': ['no_such'], 'allow_failed_imports': False}
    with pytest.raises(ImportError, match='no_such'):
        open_config(Config({'model': model, 'custom_imports': imports}))


def test_weights_of_another_network(pretrained, fine_tuned, tmp_path):
    other = {'type': 'ReIDModel', 'backbone': {'type': 'TinyBackbone'}}
    with pytest.raises(UserError, match=r'pretrained\.pth: .*unexpected'):
        open_config(Config({'model': other}), pretrained[0])
    necked = {'type': 'ReIDModel', 'backbone': BACKBONE, 'neck': NECK}
    with pytest.raises(UserError, match=r'pretrained\.pth: .* neck BNNeck'):
        open_config(Config({'model': necked}), pretrained[0])


def test_bare_weights_do_not_say_what_they_are(tmp_path):
    torch.save(build_backbone('ghostnet_0_5').state_dict(), tmp_path / 'a.pth')
    with pytest.raises(
        UserError, match=r'a\.pth: it does not say what network'
    ):
        open_file(tmp_path / 'a.pth')


def save_spec(path, **options):
    torch.manual_seed(2)
    model = ReIDModel(BACKBONE, neck=NECK)
    return save_model_file(path, model, ModelSpec(BACKBONE, NECK, **options))


def test_model_file(tmp_path):
    path = save_spec(tmp_path / 'a.pth', **HALF, neck_feat='before')
    model = open_file(path)
    assert not model.training and model.neck_feat == 'before'
    assert model.spec.neck == NECK
    assert model.data_preprocessor.std.flatten().tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize('kind', ['os.system', 'mmengine.dump', 'Nothing'])
def test_classes_that_a_model_file_may_not_name(tmp_path, kind):
    path = save_spec(tmp_path / 'a.pth')
    content = torch.load(path, weights_only=True)
    content['meta']['backbone'] = {'type': kind, 'command': 'true'}
    torch.save(content, path)
    with pytest.raises(UserError, match=rf'a\.pth: {kind} is not registered'):
        open_file(path)


def test_model_file_downloads_nothing(tmp_path):
    path = save_spec(tmp_path / 'a.pth')
    content = torch.load(path, weights_only=True)
    # TinyBackbone takes no such arguments
    content['meta']['backbone'] |= {'checkpoint_path': 'x', 'init_cfg': {}}
    torch.save(content, path)
    open_file(path)


def config_of_test(size=(16, 8), **model):
    resize = {'type': 'ResizeImage', 'size': size}
    dataset = {'pipeline': [resize]}
    model = {'type': 'ReIDModel', **model}
    return Config({'model': model, 'test_dataloader': {'dataset': dataset}})


def test_checkpoint_for_the_config_of_a_test(fine_tuned):
    path, expected = fine_tuned
    cfg = config_of_test(backbone=BACKBONE, neck=NECK)
    use_checkpoint(cfg, path)
    assert torch.equal(features(MODELS.build(cfg.model)), expected)
    plain = config_of_test(backbone=BACKBONE)
    use_checkpoint(plain, path)
    assert plain.model.backbone_checkpoint == str(path)
    assert 'neck_checkpoint' not in plain.model
    assert 'data_preprocessor' not in plain.model


def test_model_file_brings_its_network_to_a_test(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(
        open_model, 'print_log', lambda text, **options: said.append(text)
    )
    path = save_spec(tmp_path / 'a.pth', input_size=(16, 8), **HALF)
    expected = features(open_file(path))
    other = {'type': 'ResNet', 'depth': 18}
    cfg = config_of_test(backbone=other, flip_test=False)
    use_checkpoint(cfg, path)
    model = MODELS.build(cfg.model)
    assert torch.equal(features(model), expected)
    assert model.data_preprocessor.std[0].item() == 0.5
    assert not said
    cfg = config_of_test((32, 16), neck_feat='before')
    use_checkpoint(cfg, path)
    assert cfg.model.neck_feat == 'before'
    assert '[32, 16]; ' in said[0] and 'for [16, 8]' in said[0]


def test_model_file_as_weights_of_a_config(tmp_path):
    path = save_spec(tmp_path / 'a.pth', input_size=(16, 8), **HALF)
    expected = features(open_file(path))
    cfg = config_of_test(backbone={'type': 'TinyBackbone'})
    model = open_config(cfg, path)
    assert torch.equal(features(model), expected)
    assert model.data_preprocessor.std[0].item() == 0.5
    assert model.cfg is cfg
