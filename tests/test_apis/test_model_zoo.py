import os

import pytest
import torch

import mmcion
from mmcion.apis import model_zoo
from mmcion.apis.model_index import read_index
from mmcion.apis.model_zoo import get_model, load_model
from mmcion.models import build_backbone, convert_reidzoo, get_architecture
from mmcion.models.utils import save_model_file
from mmcion.utils.io import hash_file

from ..golden import SMALLEST, golden_image, reidzoo_backbone, reidzoo_keys

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


def write_model_file(path, arch=ARCH, **options):
    state = convert_reidzoo(released(arch), arch)
    return save_model_file(path, state, arch=arch, source='test', **options)


@pytest.mark.slow
@pytest.mark.parametrize('arch', SMALLEST)
def test_both_kinds_of_names_are_told_apart(tmp_path, arch):
    raw = write_released(tmp_path / 'raw.pth', arch)
    ours = write_model_file(tmp_path / 'ours.pth', arch)
    state = convert_reidzoo(released(arch), arch)
    for path in (raw, ours):
        backbone = get_model(arch, path).backbone
        for name, tensor in backbone.state_dict().items():
            torch.testing.assert_close(tensor, state[name].to(tensor.dtype))


@pytest.fixture(scope='module')
def expected():
    backbone = build_backbone(ARCH).eval()
    backbone.load_state_dict(convert_reidzoo(released(), ARCH))
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
    assert model.meta == {
        'arch': ARCH,
        'input_size': [256, 128],
        'mean': [0.485, 0.456, 0.406],
        'std': [0.229, 0.224, 0.225],
        'source': 'random weights',
    }


@pytest.mark.slow
@pytest.mark.parametrize('name', mmcion.list_models())
def test_all_models(name):
    model = get_model(name)
    with torch.no_grad():
        found = model(torch.zeros(2, 3, 256, 128))
    assert found.shape == (
        2,
        get_architecture(model.meta['arch']).num_features,
    )


def test_unknown_model():
    with pytest.raises(ValueError, match=r"no architecture 'resnet60'; did"):
        get_model('cion_resnet60')


def test_none_is_refused():
    with pytest.raises(ValueError, match=r'list_models\(\); got None'):
        get_model(None)
    with pytest.raises(ValueError, match='False or a path; got None'):
        get_model(NAME, None)


def test_home_folder(tmp_path, monkeypatch, expected):
    monkeypatch.setenv('HOME', str(tmp_path))
    write_model_file(tmp_path / 'a.pth')
    for model in (get_model(NAME, '~/a.pth'), load_model('~/a.pth')):
        torch.testing.assert_close(feats(model), expected)


def test_released_checkpoint_converted_or_not(tmp_path, expected):
    raw = write_released(tmp_path / 'raw.pth')
    ours = write_model_file(tmp_path / 'ours.pth', extra={'more': 1})
    for path in (raw, str(ours)):
        torch.testing.assert_close(feats(get_model(NAME, path)), expected)
    assert get_model(NAME, raw).meta['source'] == 'raw.pth'
    assert get_model(NAME, ours).meta['more'] == 1
    torch.testing.assert_close(feats(load_model(ours)), expected)


def test_checkpoint_of_our_training_gives_the_teacher(tmp_path, expected):
    state = convert_reidzoo(released(), ARCH)
    training = {f'student.backbone.{k}': v + 1 for k, v in state.items()}
    training |= {f'teacher.backbone.{k}': v for k, v in state.items()}
    path = tmp_path / 'epoch_1.pth'
    torch.save({'state_dict': training, 'meta': {'epoch': 1}}, path)
    torch.testing.assert_close(feats(get_model(NAME, path)), expected)
    with pytest.raises(ValueError, match=r"get_model\('cion_<arch>', pretr"):
        load_model(path)


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
    with pytest.raises(ValueError, match='has 2 files of cion_ghostnet_0_5'):
        get_model(NAME, True)


def test_without_weights_it_says_how_to_get_them(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError) as error:
        get_model(NAME, pretrained=True)
    for words in (
        'no weights of cion_ghostnet_0_5 here (MMCION_ZOO is unset)',
        'gated: sign ReIDZoo_License.pdf of https://github.com/Zplus',
        'tools/model_converters/reidzoo_to_mmcion.py',
        'save it as cion_ghostnet_0_5.pth',
    ):
        assert words in str(error.value)
    monkeypatch.setenv('MMCION_ZOO', str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f'MMCION_ZOO is {tmp_path}'):
        get_model(NAME, pretrained=True)
    with pytest.raises(FileNotFoundError, match='no checkpoint at'):
        get_model(NAME, pretrained=tmp_path / 'missing.pth')


@pytest.fixture
def index(monkeypatch):
    """Let the index know about a released file."""

    def change(**options):
        entry = read_index()[NAME]
        changed = {NAME: type(entry)(**{**vars(entry), **options})}
        monkeypatch.setattr(model_zoo, 'read_index', lambda: changed)

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
    with pytest.raises(ValueError, match='is not the released cion_ghostnet'):
        get_model(NAME, True)
    get_model(NAME, path)  # named by hand, it is the user's own


def test_unknown_hash_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv('MMCION_ZOO', str(tmp_path))
    write_released(tmp_path / f'{NAME}.pth')
    said = []
    monkeypatch.setattr(
        model_zoo, 'print_log', lambda text, **options: said.append(text)
    )
    get_model(NAME, True)
    assert 'is not verified: the SHA-256 of the released' in said[0]


@pytest.mark.parametrize(
    ('write', 'words'),
    [
        (write_released, r'a\.pth: these are not the weights of resnet18'),
        (
            write_model_file,
            r'the weights of ghostnet_0_5 and not of resnet18; use get_m',
        ),
    ],
)
def test_wrong_architecture(tmp_path, write, words):
    path = write(tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=words):
        get_model('resnet18', path)


def test_wrong_architecture_of_a_training(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    state = build_backbone('ghostnet_1_0').state_dict()
    training = {f'teacher.backbone.{k}': v for k, v in state.items()}
    torch.save({'state_dict': training}, path)
    words = r'epoch_1\.pth: these are not the weights of ghostnet_0_5: of its'
    with pytest.raises(ValueError, match=words):
        get_model(NAME, path)


class Malicious:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_malicious_file(tmp_path):
    path, marker = tmp_path / 'a.pth', tmp_path / 'ran'
    torch.save({**released(), 'args': Malicious(marker)}, path)
    with pytest.raises(ValueError, match='asks to run'):
        get_model(NAME, path)
    assert not marker.exists()


def test_failed_and_broken_downloads(tmp_path):
    path = tmp_path / 'a.pth'
    path.write_text('<!DOCTYPE html><title>Quota exceeded</title>')
    with pytest.raises(ValueError, match='web page and not weights'):
        get_model(NAME, path)
    whole = write_released(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    for load in (get_model, lambda name, path: load_model(path)):
        with pytest.raises(ValueError, match=r'is truncated .* again\.$'):
            load(NAME, path)
    torch.save([1, 2], path)
    with pytest.raises(
        ValueError, match=r'a\.pth: a checkpoint must hold a d'
    ):
        get_model(NAME, path)
