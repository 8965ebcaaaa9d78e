import os
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

import mmcion
from mmcion.apis import zoo
from mmcion.apis.zoo import get_model, init_model
from mmcion.apis.zoo_index import read_index
from mmcion.models import build_backbone, get_architecture
from mmcion.models.weights import ModelSpec, convert_weights, save_model_file
from mmcion.utils.checks import UserError
from mmcion.utils.io import hash_file

from ..golden import SMALLEST, golden_image, reidzoo_backbone, reidzoo_keys
from ..tiny import make_pretrainer, pretrainer_cfg

ROOT = Path(__file__).parents[2]

ARCH, NAME = 'ghostnet_0_5', 'cion_ghostnet_0_5'
IMAGES = golden_image(64, 32).float()


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """No zoo, and a cache of its own."""
    monkeypatch.delenv('MMCION_ZOO', raising=False)
    monkeypatch.setenv('MMCION_CACHE', str(tmp_path / 'cache'))


def released(arch=ARCH):
    """Return what ReIDZoo released, but for the values."""
    prefix = reidzoo_keys()[arch]['prefix']
    state = {prefix + k: v for k, v in reidzoo_backbone(arch).items()}
    head = {prefix.replace('backbone', 'head') + 'mlp.0.bias': torch.ones(3)}
    student = {name: torch.zeros(()) for name in state}
    return {'teacher': {**state, **head}, 'student': student, 'epoch': 100}


def write_released(path, arch=ARCH):
    torch.save(released(arch), path)
    return path


def converted(arch=ARCH):
    return convert_weights(released(arch), 'reidzoo', arch=arch)[0]


def write_model_file(path, arch=ARCH, add_hash=False, **options):
    spec = ModelSpec.from_architecture(arch, source='test', **options)
    return save_model_file(path, converted(arch), spec, add_hash=add_hash)


@pytest.mark.slow
@pytest.mark.parametrize('arch', SMALLEST)
def test_both_kinds_of_names_are_told_apart(tmp_path, arch):
    raw = write_released(tmp_path / 'raw.pth', arch)
    ours = write_model_file(tmp_path / 'ours.pth', arch)
    state = converted(arch)
    for path in (raw, ours):
        backbone = get_model(arch, path).backbone
        for name, tensor in backbone.state_dict().items():
            torch.testing.assert_close(tensor, state[name].to(tensor.dtype))


@pytest.fixture(scope='module')
def expected():
    backbone = build_backbone(ARCH).eval()
    backbone.load_state_dict(converted())
    with torch.no_grad():
        return backbone(IMAGES)[-1].flatten(1)


def feats(model):
    with torch.no_grad():
        return model(IMAGES)


@pytest.mark.parametrize(
    'name', [NAME, 'cion-ghostnet-0-5', 'GhostNet_0.5x', 'CION_ghostnet_0_5']
)
def test_any_spelling_gives_the_model(name):
    model = mmcion.get_model(name)
    assert not model.training
    assert feats(model).shape == (2, 1280)
    assert model.spec.arch == ARCH
    assert model.spec.input_size == [256, 128]
    assert model.spec.mean == [0.485, 0.456, 0.406]
    assert model.spec.std == [0.229, 0.224, 0.225]
    assert model.spec.source == 'random weights'


@pytest.mark.slow
@pytest.mark.parametrize('name', mmcion.list_models())
def test_all_models(name):
    model = get_model(name)
    with torch.no_grad():
        found = model(torch.zeros(2, 3, 256, 128))
    assert found.shape == (
        2,
        get_architecture(model.spec.arch).num_features,
    )


def test_unknown_model():
    with pytest.raises(UserError, match=r"no architecture 'resnet60' \(did"):
        get_model('cion_resnet60')


def test_other_types_are_refused():
    with pytest.raises(UserError, match='got None'):
        get_model(None)
    with pytest.raises(TypeError, match='not int'):
        get_model(NAME, 3)


def test_home_folder(tmp_path, monkeypatch, expected):
    monkeypatch.setenv('HOME', str(tmp_path))
    write_model_file(tmp_path / 'a.pth')
    for model in (get_model(NAME, '~/a.pth'), get_model('~/a.pth')):
        torch.testing.assert_close(feats(model), expected)


def test_released_checkpoint_converted_or_not(tmp_path, expected):
    raw = write_released(tmp_path / 'raw.pth')
    ours = write_model_file(tmp_path / 'ours.pth', notes={'more': 1})
    for path in (raw, str(ours)):
        torch.testing.assert_close(feats(get_model(NAME, path)), expected)
    assert get_model(NAME, raw).spec.source == 'raw.pth'
    assert get_model(NAME, ours).spec.notes == {'more': 1}
    torch.testing.assert_close(feats(get_model(ours)), expected)


def test_checkpoint_of_our_training_gives_the_teacher(tmp_path, expected):
    state = converted()
    training = {f'student.backbone.{k}': v + 1 for k, v in state.items()}
    training |= {f'teacher.backbone.{k}': v for k, v in state.items()}
    path = tmp_path / 'epoch_1.pth'
    torch.save({'state_dict': training, 'meta': {'epoch': 1}}, path)
    torch.testing.assert_close(feats(get_model(NAME, path)), expected)
    with pytest.raises(UserError, match='it does not say what network'):
        get_model(path)


def test_neck_is_not_dropped_silently(tmp_path):
    state = {f'backbone.{k}': v for k, v in converted().items()}
    state['neck.bn.weight'] = torch.ones(3)
    torch.save({'state_dict': state}, tmp_path / 'a.pth')
    with pytest.raises(UserError, match=r'a\.pth: it has a neck'):
        get_model(NAME, tmp_path / 'a.pth')


def test_file_has_its_own_weights(tmp_path):
    path = write_model_file(tmp_path / 'a.pth')
    for pretrained, named in (('b.pth', r'\(b\.pth\)'), (False, 'random')):
        with pytest.raises(UserError, match=f'leave out .*{named}'):
            get_model(path, pretrained)
    assert get_model(path, True).spec.source == 'test'


def test_normalisation_of_the_file(tmp_path):
    path = write_model_file(
        tmp_path / 'a.pth', mean=(0.5, 0.4, 0.3), std=(1, 2, 3)
    )
    model = get_model(NAME, path)
    assert model.data_preprocessor.std.flatten().tolist() == [1, 2, 3]
    assert model.data_preprocessor.mean[0].item() == 0.5


def test_zoo_folder(tmp_path, monkeypatch, expected):
    write_released(tmp_path / f'{NAME}.pth')
    monkeypatch.setenv('MMCION_ZOO', str(tmp_path))
    model = get_model(NAME, pretrained=True)
    torch.testing.assert_close(feats(model), expected)


def test_name_with_hash_in_the_zoo_folder(tmp_path, monkeypatch, expected):
    monkeypatch.setenv('MMCION_ZOO', str(tmp_path))
    write_model_file(tmp_path / f'{NAME}.pth', add_hash=True)
    torch.testing.assert_close(feats(get_model(NAME, True)), expected)
    write_model_file(
        tmp_path / f'{NAME}.pth', add_hash=True, input_size=(64, 32)
    )
    with pytest.raises(UserError, match='has 2 files of cion_ghostnet_0_5'):
        get_model(NAME, True)


def test_without_weights_it_says_how_to_get_them(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError) as error:
        get_model(NAME, pretrained=True)
    for words in (
        'no weights of cion_ghostnet_0_5 here (MMCION_ZOO is unset)',
        'gated: sign ReIDZoo_License.pdf of https://github.com/Zplus',
        'tools/model_converters/reidzoo_to_mmcion.py',
        'cion_ghostnet_0_5.pth',
    ):
        assert words in str(error.value)
    monkeypatch.setenv('MMCION_ZOO', str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f'MMCION_ZOO is {tmp_path}'):
        get_model(NAME, pretrained=True)
    with pytest.raises(FileNotFoundError, match=r'missing\.pth does not'):
        get_model(NAME, pretrained=tmp_path / 'missing.pth')


@pytest.fixture
def index(monkeypatch):
    """Let the index know about a released file."""

    def change(**options):
        entry = read_index()[NAME]
        changed = {NAME: type(entry)(**{**vars(entry), **options})}
        monkeypatch.setattr(zoo, 'read_index', lambda: changed)

    return change


def test_download_by_the_index(tmp_path, index, expected):
    path = write_released(tmp_path / 'there.pth')
    index(url=path.as_uri(), sha256=hash_file(path))
    torch.testing.assert_close(feats(get_model(NAME, True)), expected)
    assert (tmp_path / 'cache' / f'{NAME}.pth').is_file()
    path.unlink()
    get_model(NAME, True)  # from the cache


def test_download_of_something_else(tmp_path, index):
    path = write_released(tmp_path / 'there.pth')
    index(url=path.as_uri(), sha256='0' * 64)
    with pytest.raises(OSError, match='its SHA-256 is'):
        get_model(NAME, True)


def test_released_hash_is_checked(tmp_path, monkeypatch, index):
    monkeypatch.setenv('MMCION_ZOO', str(tmp_path))
    path = write_released(tmp_path / f'{NAME}.pth')
    sha256 = hash_file(path)
    index(sha256=sha256)
    get_model(NAME, True)
    write_model_file(path, source_sha256=sha256)
    get_model(NAME, True)
    write_model_file(path, source_sha256='0' * 64)
    with pytest.raises(UserError, match='is not the released cion_ghostnet'):
        get_model(NAME, True)
    get_model(NAME, path)  # named by hand, it is the user's own


def test_unknown_hash_is_logged(tmp_path, monkeypatch):
    monkeypatch.setenv('MMCION_ZOO', str(tmp_path))
    write_released(tmp_path / f'{NAME}.pth')
    said = []
    monkeypatch.setattr(
        zoo, 'print_log', lambda text, **options: said.append(text)
    )
    get_model(NAME, True)
    assert 'is not verified: the SHA-256 of the released' in said[0]


@pytest.mark.parametrize(
    ('write', 'words'),
    [
        (write_released, r'a\.pth: .*% of resnet18: .* like ghostnet_0_5'),
        (
            write_model_file,
            r'weights of ghostnet_0_5, not resnet18',
        ),
    ],
)
def test_wrong_architecture(tmp_path, write, words):
    path = write(tmp_path / 'a.pth')
    with pytest.raises(UserError, match=words):
        get_model('resnet18', path)


def test_wrong_architecture_of_a_training(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    state = build_backbone('ghostnet_1_0').state_dict()
    training = {f'teacher.backbone.{k}': v for k, v in state.items()}
    torch.save({'state_dict': training}, path)
    words = r'epoch_1\.pth: .*GhostNet under .teacher.*of another shape'
    with pytest.raises(UserError, match=words):
        get_model(NAME, path)


class Malicious:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_malicious_file(tmp_path):
    path, marker = tmp_path / 'a.pth', tmp_path / 'ran'
    torch.save({**released(), 'args': Malicious(marker)}, path)
    with pytest.raises(UserError, match='wants to run'):
        get_model(NAME, path)
    assert not marker.exists()


def test_failed_and_broken_downloads(tmp_path):
    path = tmp_path / 'a.pth'
    path.write_text('<!DOCTYPE html><title>Quota exceeded</title>')
    with pytest.raises(UserError, match='web page and not weights'):
        get_model(NAME, path)
    whole = write_released(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    for load in (get_model, lambda name, path: get_model(path)):
        with pytest.raises(UserError, match=r'is truncated .* again\.$'):
            load(NAME, path)
    torch.save([1, 2], path)
    with pytest.raises(UserError, match=r'a\.pth: a checkpoint must hold a d'):
        get_model(NAME, path)


@pytest.fixture
def checkpoint(tmp_path):
    pretrainer = make_pretrainer(use_bn=True, seed=5)
    path = tmp_path / 'epoch_1.pth'
    torch.save({'state_dict': pretrainer.state_dict()}, path)
    return path


def test_model_of_a_config_with_a_checkpoint(config, checkpoint):
    model = mmcion.init_model(config, checkpoint, device='cpu')
    assert not model.training
    expected = make_pretrainer(use_bn=True, seed=5).eval()
    images = torch.randn(2, 3, 16, 8)
    with torch.no_grad():
        assert torch.equal(model(images), expected(images))
    assert model.cfg.test_dataloader.dataset.pipeline[1].size == (16, 8)
    # the caller's config stays as it was
    assert 'backbone_checkpoint' not in model.cfg.model


@pytest.mark.parametrize('name', ['config', 'pretrainer.py', 'Config'])
def test_pretrainer_gives_its_teachers_features(
    name, config, checkpoint, tmp_path
):
    """Also by the config of the pre-training, which loaded nothing before."""
    path = config
    if name != 'config':
        path = tmp_path / 'pretrainer.py'
        path.write_text(f'model = {pretrainer_cfg(use_bn=True)!r}')
    if name == 'Config':
        path = Config.fromfile(path)
    model = init_model(path, checkpoint, 'cpu')
    expected = make_pretrainer(use_bn=True, seed=5).eval()
    images = torch.randn(2, 3, 16, 8)
    with torch.no_grad():
        assert torch.equal(model(images), expected(images))


def test_configs_open_by_get_model_too(config, checkpoint):
    torch.manual_seed(0)
    random = get_model(config)
    model = get_model(config, checkpoint)
    other = get_model(str(config), str(checkpoint))
    first = [m.backbone[0].weight for m in (model, other, random)]
    assert torch.equal(first[0], first[1])
    assert not torch.equal(first[0], first[2])
    assert random.cfg.model == get_model(config, True).cfg.model


def test_mistakes_with_configs(config, checkpoint, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'missing\.py'):
        init_model(tmp_path / 'missing.py')
    with pytest.raises(UserError, match='has no model'):
        init_model(ROOT / 'configs' / '_base_' / 'default_runtime.py')
    checkpoint.write_text('<html>Sign in')
    with pytest.raises(UserError, match='web page and not weights'):
        init_model(config, checkpoint)


@pytest.mark.parametrize(
    ('options', 'warnings'), [((), 1), ((None,), 1), ((False,), 0)]
)
def test_random_weights_are_said(options, warnings, monkeypatch):
    said = []
    monkeypatch.setattr(zoo, '_warn', said.append)
    zoo.get_model('resnet18', *options)
    cfg = {'type': 'ReIDModel', 'backbone': {'type': 'TinyBackbone'}}
    zoo.get_model(
        Config({'model': {**cfg, 'type': 'mmcion.ReIDModel'}}), *options
    )
    assert len(said) == 2 * warnings
    assert all('weights' in text and 'pretrained=' in text for text in said)


def test_architectures_of_converters_are_opened_by_their_file():
    with pytest.raises(UserError, match='dinov2_small .*convert_weights'):
        zoo.get_model('dinov2_small')
