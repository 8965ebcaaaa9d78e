from copy import deepcopy

import pytest
import torch
from torch import nn

from mmcion.models import BNNeck, ReIDModel, build_backbone
from mmcion.models.architectures import backbone_shapes
from mmcion.models.weights import load_part, load_weights
from mmcion.utils.checks import UserError
from tests.golden import reidzoo_backbone
from tests.tiny import DIM, TinyBackbone


def save(path, **parts):
    """Write modules as ``tools/train.py`` does."""
    state = {
        f'{name}.{key}': value
        for name, part in parts.items()
        for key, value in part.state_dict().items()
    }
    torch.save({'state_dict': state, 'meta': {}}, path)
    return path


def same(first, second):
    first, second = first.state_dict(), second.state_dict()
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


def test_backbone_of_a_pretraining_is_the_teachers(tmp_path):
    teacher, student = TinyBackbone(), TinyBackbone()
    roles = {'teacher.backbone': teacher, 'student.backbone': student}
    path = save(tmp_path / 'a.pth', **roles)
    backbone = TinyBackbone()
    assert load_part(backbone, path).fits and same(backbone, teacher)
    load_part(backbone, path, role='student')
    assert same(backbone, student)
    path = save(tmp_path / 'b.pth', **{'student.backbone': student})
    with pytest.raises(UserError, match=r'b\.pth: it has no teacher'):
        load_part(backbone, path, role='teacher')


def test_neck_is_loaded_whole(tmp_path):
    torch.manual_seed(0)
    trained, neck = BNNeck(4, 3), BNNeck(4, 3)
    trained(torch.randn(5, 4))
    head = nn.Linear(3, 9)
    load_part(neck, save(tmp_path / 'a.pth', neck=trained, head=head), 'neck')
    assert same(neck, trained)


def test_checkpoint_without_neck_is_refused(tmp_path):
    path = save(tmp_path / 'a.pth', backbone=nn.Linear(2, 2))
    with pytest.raises(UserError, match=r'0\.0%.* neck .*zero-shot_\*\.py'):
        load_part(BNNeck(4), path, 'neck')


@pytest.mark.parametrize('content', [[1], {'state_dict': 3}])
def test_file_of_another_kind_has_no_neck(tmp_path, content):
    torch.save(content, tmp_path / 'a.pth')
    with pytest.raises(UserError, match=r'a\.pth: '):
        load_part(BNNeck(4), tmp_path / 'a.pth', 'neck')


@pytest.mark.parametrize(
    ('trained', 'config', 'difference'),
    [
        (BNNeck(4), BNNeck(6), r'bn\.bias \(4,\), not \(6,\)'),
        (BNNeck(4, 3), BNNeck(3), r'1 unexpected \(neck\.embedding'),
        (BNNeck(4), BNNeck(4, 4), r'1 missing \(embedding\.weight\)'),
    ],
)
def test_another_neck_is_refused(tmp_path, trained, config, difference):
    path = save(tmp_path / 'a.pth', neck=trained)
    with pytest.raises(UserError, match=difference):
        load_part(config, path, 'neck')


def test_another_backbone_is_refused(tmp_path):
    path = save(tmp_path / 'a.pth', backbone=TinyBackbone(use_bn=True))
    with pytest.raises(UserError, match=r'unexpected \(backbone\.1\.weight'):
        load_part(TinyBackbone(), path)


@pytest.mark.parametrize(
    ('prefix', 'tensors', 'source'),
    [
        ('module.encoder_q.', lambda: build_backbone('resnet18'), 'lup'),
        ('', lambda: reidzoo_backbone('vit_tiny'), 'reidzoo'),
    ],
)
def test_names_of_other_projects_are_recognised(
    tmp_path, prefix, tensors, source
):
    state = tensors()
    state = state.state_dict() if isinstance(state, nn.Module) else state
    named = {prefix + name: tensor for name, tensor in state.items()}
    torch.save(named, tmp_path / 'a.pth')
    with pytest.raises(UserError, match=f'convert_weights.*--from {source} '):
        load_part(build_backbone('vit_tiny'), tmp_path / 'a.pth')


def test_model_takes_all_its_parts():
    cfg = {'type': 'mmcion.TinyBackbone'}
    neck = {'type': 'mmcion.BNNeck', 'in_channels': DIM}
    trained, model = (ReIDModel(cfg, neck=neck) for _ in range(2))
    load_weights(model, {'state_dict': trained.state_dict()})
    assert same(model, trained)
    with pytest.raises(UserError, match='the neck BNNeck'):
        load_weights(model, ReIDModel(cfg).state_dict())
    bare = ReIDModel(cfg)
    load_weights(bare, trained.state_dict())
    assert same(bare.backbone, trained.backbone)


class Extended(nn.Module):
    """A published network, and a copy of its first layer."""

    def __init__(self):
        super().__init__()
        self.plain = TinyBackbone()
        self.copy = deepcopy(self.plain[0])

    def adapt_weights(self, tensors):
        if any(name.startswith('plain.') for name in tensors):
            return tensors
        names = {f'plain.{name}': name for name in tensors}
        names |= {f'copy.{n[2:]}': n for n in tensors if n[0] == '0'}
        return {new: tensors[old] for new, old in names.items()}


def test_network_starts_from_the_weights_of_a_part_of_it(tmp_path):
    path = save(tmp_path / 'a.pth', backbone=(plain := TinyBackbone()))
    network = Extended()
    load_part(network, path)
    assert same(network.plain, plain) and same(network.copy, plain[0])
    # its own are loaded as they are
    own = Extended()
    nn.init.ones_(own.copy.weight)
    load_part(network, save(tmp_path / 'b.pth', backbone=own))
    assert same(network, own)
    with torch.no_grad():
        plain[3].bias[0] = float('nan')
    path = save(tmp_path / 'c.pth', backbone=plain)
    with pytest.raises(UserError, match=r'plain\.3\.bias has NaN'):
        load_part(network, path)
    path = save(tmp_path / 'd.pth', backbone=TinyBackbone(use_bn=True))
    with pytest.raises(UserError, match=r'unexpected \(plain\.1\.weight'):
        load_part(network, path)


def test_other_models_are_loaded_as_they_are():
    class Parts(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = nn.Linear(2, 2)
            self.attention = nn.Linear(2, 2)

    trained, model = Parts(), Parts()
    load_weights(model, trained.state_dict())
    assert same(model, trained)
    with pytest.raises(UserError, match=r'Parts.*attention\.weight'):
        load_weights(model, {'backbone.weight': torch.ones(2, 2)})


WRAPPERS = [
    '_orig_mod.',
    'module.module.',
    '_orig_mod.module.',
    'module._orig_mod.',
    'model.',
    'encoder.',
    'module.model.',
    'model.backbone.',
    '_orig_mod.model.backbone.',
    'backbone._orig_mod.',
    'backbone.module.',
    'teacher._orig_mod.module.backbone.',
]


@pytest.mark.parametrize('container', ['net', None])
@pytest.mark.parametrize('prefix', WRAPPERS)
@pytest.mark.parametrize('arch', ['resnet18', 'ghostnet_0_5'])
def test_prefixes_of_wrappers_are_dropped(arch, prefix, container, tmp_path):
    torch.manual_seed(0)
    trained, network = shapeless(arch), shapeless(arch)
    state = {prefix + k: v for k, v in trained.state_dict().items()}
    # the last layer of the training classes
    state[f'{prefix.partition("backbone.")[0]}fc.weight'] = torch.ones(9, 2)
    path = tmp_path / 'a.pth'
    torch.save({container: state} if container else state, path)
    load_part(network, path)
    assert same(network, trained)


def shapeless(arch):
    """A network with the names of an architecture and one number each."""
    network = nn.Module()
    for name in backbone_shapes(arch):
        *path, last = name.split('.')
        module = network
        for part in path:
            if part not in module._modules:
                module.add_module(part, nn.Module())
            module = module._modules[part]
        module.register_buffer(last, torch.randn(1))
    return network


def test_message_shows_the_names_of_the_file():
    state = {f'_orig_mod.{n}.weight': torch.ones(1) for n in ('a', 'b')}
    with pytest.raises(UserError, match=r'_orig_mod\.a\.weight') as error:
        load_weights(nn.Linear(2, 2), {'state_dict': state})
    assert 'unexpected (_orig_mod.a.weight, _orig_mod.b.weight)' in str(
        error.value
    )
    assert 'has 2 tensors such as _orig_mod.a.weight' in str(error.value)


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    backbone = TinyBackbone()
    broken = TinyBackbone()
    with torch.no_grad():
        next(broken.parameters()).view(-1)[0] = value
    name = next(iter(broken.state_dict()))
    path = save(tmp_path / 'a.pth', backbone=broken)
    with pytest.raises(
        UserError, match=rf'a\.pth: backbone.{name} has NaN or inf'
    ):
        load_part(backbone, path)
