import os
import pickle
from collections import OrderedDict

import pytest
import torch

from mmcion import __version__
from mmcion.models import ReIDModel, build_backbone, get_architecture
from mmcion.models.utils import read_model_file, save_model_file
from mmcion.models.utils.model_file import load_complete, read_checkpoint
from mmcion.utils.io import hash_file

ARCH = 'ghostnet_0_5'


def make_backbone(arch=ARCH, seed=0):
    torch.manual_seed(seed)
    return build_backbone(arch)


def save(path, weights=None, **options):
    weights = weights or make_backbone()
    return save_model_file(
        path, weights, arch=ARCH, source='a test', **options
    )


def test_file_says_how_to_use_the_weights(tmp_path):
    threshold = {'similarity': 0.6, 'false_match_rate': 1e-3}
    path = save(
        tmp_path / 'new' / 'a.pth',
        source_sha256='12ab',
        input_size=(384, 128),
        extra={'threshold': threshold},
    )
    content = torch.load(path, weights_only=True)
    assert content['meta'] == {
        'arch': ARCH,
        'input_size': [384, 128],
        'mean': [0.485, 0.456, 0.406],
        'std': [0.229, 0.224, 0.225],
        'source': 'a test',
        'source_sha256': '12ab',
        'mmcion_version': __version__,
        'threshold': threshold,
    }
    assert read_model_file(path)['meta'] == content['meta']
    model = ReIDModel(get_architecture(ARCH).backbone)
    model.load_state_dict(content['state_dict'])  # strict
    for name, tensor in make_backbone().state_dict().items():
        assert torch.equal(tensor, model.backbone.state_dict()[name])


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
    with pytest.raises(ValueError, match='it was changed or damaged'):
        read_model_file(path)


def test_only_whole_backbones_are_written(tmp_path):
    state = make_backbone().state_dict()
    name = next(iter(state))
    for broken, words in (
        ({k: v for k, v in state.items() if k != name}, '1 are missing'),
        ({**state, name: torch.ones(2)}, '1 have another shape'),
        ({**state, 'model.more': torch.ones(2)}, '1 are there that it does'),
        ({}, '510 tensors 430 are missing'),
    ):
        with pytest.raises(ValueError, match=f'of {ARCH}: of its.*{words}'):
            save_model_file(
                tmp_path / 'a.pth', broken, arch=ARCH, source='a test'
            )
    assert not list(tmp_path.iterdir())


def test_larger_member_of_the_family_is_not_taken_for_a_smaller():
    # all of its tensors are there, and 12 blocks more
    larger = make_backbone('convnext_small').state_dict()
    with pytest.raises(ValueError, match='162 are there that it does not'):
        load_complete(make_backbone('convnext_tiny'), larger, 'x')


def test_counter_of_old_checkpoints_is_made_up_for(tmp_path):
    state = make_backbone().state_dict()
    old = {k: v for k, v in state.items() if 'batches_tracked' not in k}
    assert save(tmp_path / 'a.pth', old).read_bytes() == (
        save(tmp_path / 'b.pth', state).read_bytes()
    )


def test_meta_is_plain_and_names_nothing_twice(tmp_path):
    with pytest.raises(TypeError, match='JSON'):
        save(tmp_path / 'a.pth', extra={'x': torch.ones(1)})
    with pytest.raises(ValueError, match='must not hold arch'):
        save(tmp_path / 'a.pth', extra={'arch': 'x'})


class Malicious:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_code_in_a_file_is_not_run(tmp_path):
    path, marker = tmp_path / 'a.pth', tmp_path / 'ran'
    torch.save({'state_dict': Malicious(marker)}, path)
    with pytest.raises(ValueError, match=r'asks to run \w+\.mkdir; weights'):
        read_checkpoint(path)
    path.write_bytes(pickle.dumps(Malicious(marker), protocol=2))
    with pytest.raises(
        ValueError, match=r'asks to run|not a checkpoint of plain'
    ):
        read_checkpoint(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    'page', ['<!DOCTYPE html><html>', '\n <html lang="en">', '<?xml version']
)
def test_web_page_instead_of_weights(tmp_path, page):
    path = tmp_path / 'a.pth'
    path.write_text(page + 'Sign in' * 1000)
    with pytest.raises(ValueError, match=r'a\.pth is a web page and not wei'):
        read_checkpoint(path)


@pytest.mark.parametrize('zipped', [True, False])
@pytest.mark.parametrize('share', [0.2, 0.9])
def test_truncated_file(tmp_path, zipped, share):
    path = tmp_path / 'a.pth'
    content = {'state_dict': make_backbone().state_dict()}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ValueError, match=r'is truncated \(\d+ bytes\)\. Down'):
        read_checkpoint(path)


def test_other_files_that_are_no_weights(tmp_path):
    path = tmp_path / 'a.pth'
    path.write_bytes(b'')
    with pytest.raises(ValueError, match='is empty'):
        read_checkpoint(path)
    path.write_text('version https://git-lfs.github.com/spec/v1\noid 1')
    with pytest.raises(ValueError, match='git lfs pull'):
        read_checkpoint(path)
    with pytest.raises(FileNotFoundError, match=r'no checkpoint at .*b\.pth'):
        read_checkpoint(tmp_path / 'b.pth')


def test_checkpoint_of_a_run_is_no_model_file(tmp_path):
    path = tmp_path / 'a.pth'
    state = OrderedDict(make_backbone().state_dict())
    torch.save({'state_dict': state, 'meta': {'epoch': 1}}, path)
    read_checkpoint(path)
    with pytest.raises(ValueError, match='a checkpoint, but no model file'):
        read_model_file(path)


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
        with pytest.raises(ValueError, match='is the file that is read'):
            save(given, source_file=source, add_hash=add_hash)
    assert path.stat() == before


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (
            {'std': (0.2, 0, 0.2)},
            r'std must be .* 0; got \(0\.2, 0,',
        ),
        ({'std': (0.2, -0.1, 0.2)}, 'std must be'),
        ({'std': (0.2, float('inf'), 0.2)}, 'std must be'),
        ({'std': (0.2, 0.2)}, 'std must be three'),
        ({'mean': (0.2, float('nan'), 0.2)}, 'mean must be three finite'),
        ({'mean': (0.2,)}, 'mean must be three finite'),
        ({'input_size': (256, 0)}, 'input_size must be two .* got'),
        ({'input_size': (256.0, 128.0)}, 'input_size must be two'),
        ({'input_size': (3, 256, 128)}, 'input_size must be two'),
    ],
)
def test_options_that_no_image_can_have(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        save(tmp_path / 'a.pth', **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_weights_that_are_not_finite(tmp_path, value):
    state = make_backbone().state_dict()
    name = [name for name in state if name.endswith('.weight')][3]
    state[name].view(-1)[1] = value
    with pytest.raises(ValueError, match=f'{name} .* NaN or infinity'):
        save(tmp_path / 'a.pth', state)
    assert not list(tmp_path.iterdir())


def test_other_endings(tmp_path):
    with pytest.raises(ValueError, match=r'must end in \.pth; got .*a\.pt$'):
        save(tmp_path / 'a.pt')
