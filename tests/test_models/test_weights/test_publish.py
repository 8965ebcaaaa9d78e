import re
import sys
from datetime import date

import pytest
import torch
from mmengine.config import Config

from mmcion.models import ReIDModel, build_backbone
from mmcion.models.weights import open_file, publish, read_model_file
from mmcion.registry import MODELS
from mmcion.utils.checks import UserError
from mmcion.utils.io import hash_file
from tests.tiny import DIM, make_pretrainer, pretrainer_cfg

BACKBONE = {'type': 'TinyBackbone', 'use_bn': True}
NECK = {'type': 'BNNeck', 'in_channels': DIM}
ARCH = 'ghostnet_0_5'


def save(path, model, cfg=None):
    cfg = Config({'model': cfg or {}})
    meta = {
        'cfg': cfg.pretty_text,
        'experiment_name': 'fine-tune_tiny_20240102_030405',
    }
    state = model if isinstance(model, dict) else model.state_dict()
    content = {'state_dict': state, 'meta': meta, 'optimizer': {}}
    torch.save(content, path)
    return path


@pytest.fixture
def pretrained(tmp_path):
    pretrainer = make_pretrainer(use_bn=True)
    with torch.no_grad():
        pretrainer.student.backbone[0].weight.add_(1)
    cfg = pretrainer_cfg(use_bn=True)
    return save(tmp_path / 'epoch_3.pth', pretrainer, cfg), pretrainer


@pytest.fixture
def fine_tuned(tmp_path):
    head = {'type': 'ReIDHead', 'in_channels': DIM, 'num_classes': 5}
    cfg = {'backbone': BACKBONE, 'neck': NECK, 'head': head}
    model = ReIDModel(**cfg)
    cfg = {'type': 'ReIDModel', 'neck_feat': 'before', **cfg}
    return save(tmp_path / 'epoch_9.pth', model, cfg), model


@pytest.mark.parametrize('role', [None, 'teacher', 'student'])
def test_pretraining(pretrained, tmp_path, role):
    source, pretrainer = pretrained
    path = publish(source, tmp_path / 'out' / 'best.pth', role=role)
    (only,) = (tmp_path / 'out').iterdir()
    named = re.fullmatch(r'best_(\d{8})-([0-9a-f]{8})\.pth', only.name)
    assert path == only and hash_file(path).startswith(named[2])
    assert named[1] == f'{date.today():%Y%m%d}'
    state, spec = read_model_file(path)
    assert spec.source == f'epoch_3.pth, {role or "teacher"}'
    assert spec.source_sha256 == hash_file(source)
    assert spec.training_config == 'fine-tune_tiny'
    network = getattr(pretrainer, role or 'teacher').backbone.state_dict()
    assert state.keys() == {f'backbone.{name}' for name in network}
    for name, tensor in network.items():
        assert torch.equal(state[f'backbone.{name}'], tensor)


def test_fine_tuning_keeps_its_neck(fine_tuned, tmp_path):
    source, model = fine_tuned
    path = publish(source, tmp_path / 'a.pth', input_size=(64, 32))
    state, spec = read_model_file(path)
    assert (spec.neck, spec.neck_feat) == (NECK, 'before')
    assert spec.input_size == [64, 32]
    assert not any(name.startswith('head') for name in state)
    for name, tensor in model.neck.state_dict().items():
        assert torch.equal(state[f'neck.{name}'], tensor)


def test_config_replaces_the_one_in_the_checkpoint(fine_tuned, tmp_path):
    source, _ = fine_tuned
    file = tmp_path / 'own.py'
    file.write_text(
        f'model = dict(type="ReIDModel", backbone={BACKBONE}, neck={NECK})'
    )
    path = publish(source, tmp_path / 'a.pth', config=Config.fromfile(file))
    _, spec = read_model_file(path)
    assert spec.neck_feat == 'after' and spec.training_config == 'own'


def test_architecture_without_a_config(tmp_path):
    backbone = build_backbone(ARCH)
    state = {f'backbone.{k}': v for k, v in backbone.state_dict().items()}
    torch.save({'state_dict': state}, tmp_path / 'a.pth')
    path = publish(
        tmp_path / 'a.pth',
        tmp_path / 'b.pth',
        arch='GhostNet-0.5x',
        mean=(0.5, 0.4, 0.3),
    )
    _, spec = read_model_file(path)
    assert spec.arch == ARCH and spec.source == 'a.pth'
    assert spec.mean == [0.5, 0.4, 0.3] and spec.std == [0.229, 0.224, 0.225]
    # nothing says what it is
    with pytest.raises(UserError, match=r'a\.pth: .*config .* architecture'):
        publish(tmp_path / 'a.pth', tmp_path / 'b.pth')
    with pytest.raises(UserError, match=r'a\.pth: .*% of the backbone'):
        publish(tmp_path / 'a.pth', tmp_path / 'b.pth', arch='ghostnet_1_0')
    with pytest.raises(UserError, match='no architecture'):
        publish(tmp_path / 'a.pth', tmp_path / 'b.pth', arch='ghostnet_9')


def test_neck_is_not_lost_without_a_word(tmp_path):
    neck = {'neck.bn.weight': torch.ones(3)}
    state = build_backbone(ARCH).state_dict()
    state = {f'backbone.{name}': tensor for name, tensor in state.items()}
    torch.save({'state_dict': {**state, **neck}}, tmp_path / 'a.pth')
    with pytest.raises(UserError, match='has a neck'):
        publish(tmp_path / 'a.pth', tmp_path / 'b.pth', arch=ARCH)


def test_network_of_mmpretrain(tmp_path):
    backbone = {
        'type': 'mmpretrain.TIMMBackbone',
        'model_name': 'mobilenetv2_100',
        'pretrained': True,  # is not downloaded
    }
    network = MODELS.build({**backbone, 'pretrained': False})
    state = {
        f'{role}.backbone.{name}': tensor
        for role in ('teacher', 'student')
        for name, tensor in network.state_dict().items()
    }
    cfg = {**pretrainer_cfg(), 'backbone': backbone}
    path = publish(save(tmp_path / 'a.pth', state, cfg), tmp_path / 'b.pth')
    model = open_file(path)
    assert model.spec.backbone['model_name'] == 'mobilenetv2_100'
    assert model(torch.zeros(1, 3, 128, 64)).shape == (1, 1280)


def test_own_backbone_from_another_folder(tmp_path, monkeypatch):
    (tmp_path / 'own_network.py').write_text(
        'from torch import nn\n'
        'from mmcion.registry import MODELS\n'
        '@MODELS.register_module()\n'
        'class OwnNetwork(nn.Conv2d):\n'
        '    def __init__(self):\n'
        '        super().__init__(3, 4, 1)\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    imports = {'imports': ['own_network'], 'allow_failed_imports': False}
    model = {'type': 'ReIDModel', 'backbone': {'type': 'OwnNetwork'}}
    cfg = Config({'custom_imports': imports, 'model': model})
    state = {
        'backbone.weight': torch.ones(4, 3, 1, 1),
        'backbone.bias': torch.ones(4),
    }
    source = tmp_path / 'a.pth'
    meta = {'cfg': cfg.pretty_text}
    torch.save({'state_dict': state, 'meta': meta}, source)
    out = tmp_path / 'b.pth'
    try:
        with pytest.raises(UserError, match=r'own_network.*--custom-imports'):
            publish(source, out)
        path = publish(source, out, custom_imports=True)
        forget()
        for file in (source, path):
            with pytest.raises(UserError, match=r'OwnNetwork.*own_network'):
                open_file(file)
            model = open_file(file, custom_imports=True)
            assert model(torch.zeros(1, 3, 8, 4)).tolist() == [[1.0] * 4]
            forget()
    finally:
        forget()


def forget():
    """Unregister the network of the test above."""
    MODELS.module_dict.pop('OwnNetwork', None)
    sys.modules.pop('own_network', None)


@pytest.mark.parametrize(
    ('out', 'options', 'message'),
    [
        ('b.onnx', {}, r"\.pth'; got .*onnx"),
        ('b.pth', {'mean': (1, 2)}, r'mean .*\(1, 2\)'),
    ],
)
def test_mistakes_leave_no_file(fine_tuned, tmp_path, out, options, message):
    source, _ = fine_tuned
    with pytest.raises(UserError, match=message):
        publish(source, tmp_path / out, **options)
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


def test_role_that_is_not_there(tmp_path):
    state = make_pretrainer(use_bn=True).state_dict()
    state = {k: v for k, v in state.items() if k.startswith('teacher')}
    source = save(tmp_path / 'a.pth', state, pretrainer_cfg(use_bn=True))
    with pytest.raises(UserError, match=r'a\.pth: it has no student'):
        publish(source, tmp_path / 'b.pth', role='student')


def test_model_file_is_one_already(fine_tuned, tmp_path):
    path = publish(fine_tuned[0], tmp_path / 'a.pth')
    with pytest.raises(UserError, match='already'):
        publish(path, tmp_path / 'b.pth')


def test_checkpoint_in_place_of_the_output_stays(fine_tuned, tmp_path):
    dated = tmp_path / f'x_{date.today():%Y%m%d}.pth'
    fine_tuned[0].rename(dated)
    before = dated.read_bytes()
    publish(dated, tmp_path / 'x.pth')
    assert dated.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2
