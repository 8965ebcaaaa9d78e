import os
from collections import OrderedDict

import pytest
import torch

from mmcion import __version__
from mmcion.models import BNNeck, ReIDModel, build_backbone, get_architecture
from mmcion.models.weights import (
    ModelSpec,
    read_model,
    read_model_file,
    save_model_file,
)
from mmcion.utils.checks import UserError
from mmcion.utils.io import hash_file
from tests.tiny import DIM, TinyBackbone

ARCH = 'ghostnet_0_5'


def make_backbone(arch=ARCH, seed=0):
    torch.manual_seed(seed)
    return build_backbone(arch)


def save(path, weights=None, *, add_hash=False, source_file=None, **options):
    return save_model_file(
        path,
        weights or make_backbone(),
        ModelSpec.from_architecture(ARCH, source='a test', **options),
        add_hash=add_hash,
        source_file=source_file,
    )


def test_file_says_how_to_use_the_weights(tmp_path):
    threshold = {'similarity': 0.6, 'false_match_rate': 1e-3}
    path = save(
        tmp_path / 'new' / 'a.pth',
        source_sha256='12ab',
        input_size=(384, 128),
        threshold=threshold,
        notes={'remark': 'x'},
    )
    content = torch.load(path, weights_only=True)
    assert content['meta'] == {
        'format': 1,
        'backbone': {'type': 'mmcion.GhostNet', 'arch': '0_5'},
        'neck': None,
        'neck_feat': 'after',
        'flip_test': False,
        'custom_imports': [],
        'input_size': [384, 128],
        'resize': {
            'interpolation': 'bicubic',
            'antialias': True,
            'keep_ratio': False,
        },
        'channel_order': 'RGB',
        'value_range': [0, 1],
        'mean': [0.485, 0.456, 0.406],
        'std': [0.229, 0.224, 0.225],
        'statistics': 'ImageNet',
        'threshold': threshold,
        'source': 'a test',
        'source_sha256': '12ab',
        'training_config': None,
        'mmcion_version': __version__,
        'notes': {'remark': 'x'},
    }
    state, spec = read_model_file(path)
    assert spec.arch == ARCH and spec.threshold == threshold
    model = ReIDModel(get_architecture(ARCH).backbone)
    model.load_state_dict(state)  # strict
    for name, tensor in make_backbone().state_dict().items():
        assert torch.equal(tensor, model.backbone.state_dict()[name])


def test_any_network_with_its_neck(tmp_path):
    neck = {'type': 'BNNeck', 'in_channels': DIM, 'embed_dims': 3}
    spec = ModelSpec({'type': 'TinyBackbone', 'use_bn': True}, neck)
    torch.manual_seed(0)
    model = ReIDModel(
        spec.backbone,
        neck=neck,
        head={'type': 'ReIDHead', 'in_channels': 3, 'num_classes': 5},
    )
    state, read = read_model_file(
        save_model_file(tmp_path / 'a.pth', model, spec)
    )
    assert read.arch is None and read.neck == neck
    assert {name.split('.')[0] for name in state} == {'backbone', 'neck'}
    again = BNNeck(DIM, 3)
    again.load_state_dict(
        {k[5:]: v for k, v in state.items() if k.startswith('neck.')}
    )
    assert torch.equal(again.embedding.weight, model.neck.embedding.weight)
    with pytest.raises(UserError, match='neck'):
        save_model_file(tmp_path / 'b.pth', model.backbone, spec)
    assert not (tmp_path / 'b.pth').exists()


def test_whatever_holds_the_backbone_gives_the_same_bytes(tmp_path):
    backbone = make_backbone()
    model = ReIDModel(get_architecture(ARCH).backbone)
    model.backbone = backbone
    state = backbone.state_dict()
    training = {
        f'{who}.backbone.{name}': tensor if who == 'teacher' else tensor + 1
        for who in ('student', 'teacher')
        for name, tensor in state.items()
    }
    expected = save(tmp_path / 'a.pth', backbone).read_bytes()
    for weights in (
        model,
        state,
        {'state_dict': training, 'optimizer': {}},
        {**state, 'fc.weight': torch.ones(3)},
    ):
        path = save(tmp_path / 'another name.pth', weights)
        assert path.read_bytes() == expected


def test_class_that_nobody_else_finds_is_not_written(tmp_path):
    spec = ModelSpec({'type': 'tests.tiny.TinyBackbone'})
    with pytest.raises(UserError, match=r'tests\.tiny\.TinyBackbone'):
        save_model_file(tmp_path / 'a.pth', TinyBackbone(), spec)
    assert not list(tmp_path.iterdir())


def test_random_numbers_are_left_alone(tmp_path):
    backbone = make_backbone()
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    save(tmp_path / 'a.pth', backbone)
    assert torch.equal(torch.rand(3), expected)


def test_hash_in_the_name_is_checked(tmp_path):
    path = save(tmp_path / 'a.pth', add_hash=True)
    assert path.name == f'a-{hash_file(path)[:8]}.pth'
    assert list(tmp_path.iterdir()) == [path]
    read_model_file(path)

    os.replace(save(tmp_path / 'b.pth', make_backbone(seed=1)), path)
    with pytest.raises(UserError, match='it was changed or damaged'):
        read_model_file(path)


def test_only_whole_backbones_are_written(tmp_path):
    state = make_backbone().state_dict()
    name = next(iter(state))
    for broken, words in (
        ({k: v for k, v in state.items() if k != name}, '1 missing'),
        ({**state, name: torch.ones(2)}, '1 of another shape'),
        ({**state, 'model.more': torch.ones(2)}, '1 unexpected'),
        ({}, '430 missing'),
    ):
        with pytest.raises(UserError, match=f'the backbone GhostNet.*{words}'):
            save_model_file(
                tmp_path / 'a.pth', broken, ModelSpec.from_architecture(ARCH)
            )
    assert not list(tmp_path.iterdir())


def test_counter_of_old_checkpoints_is_made_up_for(tmp_path):
    state = make_backbone().state_dict()
    old = {k: v for k, v in state.items() if 'batches_tracked' not in k}
    assert save(tmp_path / 'a.pth', old).read_bytes() == (
        save(tmp_path / 'b.pth', state).read_bytes()
    )


def test_other_checkpoints_are_no_model_files(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    state = OrderedDict(make_backbone().state_dict())
    for content in ({'state_dict': state, 'meta': {'epoch': 1}}, [1], state):
        torch.save(content, path)
        assert read_model(path)[1] is None
        with pytest.raises(
            UserError, match=r'publish_model\.py .*epoch_1\.pth'
        ):
            read_model_file(path)


def test_earlier_format_is_refused(tmp_path):
    meta = {'arch': ARCH, 'input_size': [256, 128], 'mmcion_version': '0.1.0'}
    torch.save({'state_dict': {}, 'meta': meta}, tmp_path / 'a.pth')
    with pytest.raises(UserError, match=r'a\.pth .*format 0, not 1'):
        read_model(tmp_path / 'a.pth')


@pytest.mark.parametrize('add_hash', [True, False])
def test_nothing_but_the_file_itself_is_touched(tmp_path, add_hash):
    names = ('a.pth', 'a-12345678.pth', 'b.pth')
    for name in names:
        (tmp_path / name).write_text(name)
    path = save(tmp_path / 'a.pth', add_hash=add_hash)
    read_model_file(path)
    others = {tmp_path / name for name in names} - {path}
    assert set(tmp_path.iterdir()) == {*others, path}
    assert all(other.read_text() == other.name for other in others)


@pytest.mark.parametrize('add_hash', [True, False])
def test_source_is_not_written_over(tmp_path, add_hash):
    given = tmp_path / 'a.pth'
    path = save(given, add_hash=add_hash)
    link = tmp_path / 'link.pth'
    link.symlink_to(path)
    before = path.stat()
    for source in (path, link):
        with pytest.raises(UserError, match='is the file that is read'):
            save(given, source_file=source, add_hash=add_hash)
    assert path.stat() == before


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_weights_that_are_not_finite(tmp_path, value):
    state = make_backbone().state_dict()
    name = [name for name in state if name.endswith('.weight')][3]
    state[name].view(-1)[1] = value
    with pytest.raises(UserError, match=f'{name} .*NaN'):
        save(tmp_path / 'a.pth', state)
    assert not list(tmp_path.iterdir())


def test_other_endings(tmp_path):
    with pytest.raises(UserError, match=r"a\.pt .* '\.pth'; got"):
        save(tmp_path / 'a.pt')
