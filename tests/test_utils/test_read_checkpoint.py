import argparse
import os
import pickle

import mmengine.runner
import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.model import initialize
from safetensors.torch import save_file
from torch import nn

from mmcion.registry import MODELS
from mmcion.utils.checks import UserError
from mmcion.utils.read_checkpoint import read_checkpoint


class Attack:
    """Unpickles to a call of any function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class Getter:
    """Unpickles to ``getattr(array, name)``."""

    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return getattr, (np.ones(3), self.name)

    def __call__(self):
        """Pickle wants the function of a call to be callable."""


def test_what_training_saves_is_read(tmp_path):
    buffer = HistoryBuffer([1.0, 2.0, 4.0], [1, 1, 1])
    saved = {
        'state_dict': {'w': torch.arange(4.0)},
        'message_hub': {'loss': buffer},
        'args': argparse.Namespace(lr=0.1, names=['a']),
        'best': np.float64(0.5),
        'count': np.int64(3),
        'history': np.arange(6, dtype=np.float32).reshape(2, 3),
        'flags': np.array([True, False]),
    }
    torch.save(saved, tmp_path / 'a.pth')

    found = read_checkpoint(tmp_path / 'a.pth')

    assert found['state_dict']['w'].tolist() == [0, 1, 2, 3]
    assert found['message_hub']['loss'].mean() == pytest.approx(7 / 3)
    assert found['args'].lr == 0.1
    assert found['best'] == 0.5
    assert found['count'] == 3
    assert found['history'].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found['flags'].tolist() == [True, False]


def test_safetensors(tmp_path):
    path = tmp_path / 'a.safetensors'
    save_file({'w': torch.arange(400.0)}, path)
    assert read_checkpoint(path)['w'][3] == 3
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=r'a\.safetensors is damaged'):
        read_checkpoint(path)
    with pytest.raises(FileNotFoundError, match=r'b\.safetensors'):
        read_checkpoint(tmp_path / 'b.safetensors')


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('function', [os.system, eval, exec, __import__])
def test_code_never_runs(tmp_path, function, legacy):
    trace = tmp_path / 'trace'
    attack = Attack(function, f"__import__('os').mkdir({str(trace)!r})")
    torch.save(
        {'state_dict': {'w': torch.ones(1)}, 'evil': attack},
        tmp_path / 'a.pth',
        _use_new_zipfile_serialization=not legacy,
    )
    with pytest.raises(UserError, match='was not loaded'):
        read_checkpoint(tmp_path / 'a.pth')
    assert not trace.exists()


def test_function_that_would_be_called_is_named(tmp_path):
    path, marker = tmp_path / 'a.pth', tmp_path / 'ran'
    torch.save({'state_dict': Attack(os.mkdir, str(marker))}, path)
    with pytest.raises(UserError, match=r'wants to run \w+\.mkdir, which'):
        read_checkpoint(path)
    path.write_bytes(pickle.dumps(Attack(os.mkdir, str(marker)), protocol=2))
    with pytest.raises(UserError, match=r'wants to run|not a checkpoint'):
        read_checkpoint(path)
    assert not marker.exists()


def test_method_reached_through_getattr_is_not_called(tmp_path):
    trace = tmp_path / 'trace'
    attack = Attack(Getter('tofile'), str(trace))
    torch.save({'evil': attack}, tmp_path / 'a.pth')
    with pytest.raises(UserError, match='was not loaded'):
        read_checkpoint(tmp_path / 'a.pth')
    assert not trace.exists()


@pytest.mark.parametrize('name', ['__init__', '_log_history'])
def test_getattr_reaches_nothing_but_statistics(tmp_path, name):
    torch.save({'x': Attack(getattr, HistoryBuffer, name)}, tmp_path / 'a.pth')
    with pytest.raises(UserError, match=f'attribute {name!r}'):
        read_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('ratio', [0.0, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_truncated_file(tmp_path, ratio, legacy):
    path = tmp_path / 'a.pth'
    torch.save(
        {'state_dict': {'w': torch.ones(1000), 'v': torch.ones(7)}},
        path,
        _use_new_zipfile_serialization=not legacy,
    )
    content = path.read_bytes()
    path.write_bytes(content[: int(ratio * len(content))])
    message = r'a\.pth is truncated \(\d+ bytes\)' if ratio else 'is empty'
    if ratio == 0.01:  # the start of a pickle may be anything
        message = r'a\.pth is (truncated|damaged)'
    with pytest.raises(UserError, match=message):
        read_checkpoint(path)


def test_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save({'w': torch.ones(99)}, path)
    data = bytearray(path.read_bytes())
    data[data.index(np.ones(9, np.float32).tobytes()) + 40] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=r'a\.pth is damaged .*check sum'):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'<!DOCTYPE html><html>' + b'Sign in' * 999, 'web page and not weig'),
        (b'\n <html lang="en">', 'web page and not weights'),
        (b'<?xml version', 'web page and not weights'),
        (b'version https://git-lfs.github.com/spec/v1\noid 1', 'git lfs pull'),
        (b'\x08\x0a\x12\x07pytorch', 'is an ONNX file'),
        (b'hello', 'is not a checkpoint'),
        (b'\x00' * 100, 'is not a checkpoint'),
        (b'\x89PNG\r\n\x1a\n' + b'\x00' * 40, 'is not a checkpoint'),
        (np.random.default_rng(0).bytes(500), 'is not a checkpoint'),
        (pickle.dumps({'a': 1}, 2), 'is damaged or not a checkpoint'),
        (pickle.dumps(7, 0), 'is not a checkpoint'),
    ],
    ids=[
        'html',
        'html2',
        'xml',
        'lfs',
        'onnx',
        'text',
        'zeros',
        'png',
        'random',
    ]
    + ['pickle', 'pickle0'],
)
def test_other_files_are_refused(tmp_path, content, message):
    (tmp_path / 'a.pth').write_bytes(content)
    with pytest.raises(UserError, match=rf'a\.pth .*{message}'):
        read_checkpoint(tmp_path / 'a.pth')


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'checkpoint .*a\.pth'):
        read_checkpoint(tmp_path / 'a.pth')


def test_dependencies_read_checkpoints_without_running_code(tmp_path):
    trace, path = tmp_path / 'trace', tmp_path / 'a.pth'
    torch.save({'w': Attack(os.system, f'touch {trace}')}, path)
    init_cfg = {'type': 'Pretrained', 'checkpoint': str(path)}
    attempts = (
        lambda: mmengine.runner.load_checkpoint(nn.Linear(1, 1), str(path)),
        lambda: mmengine.runner.CheckpointLoader.load_checkpoint(str(path)),
        lambda: initialize(nn.Linear(1, 1), init_cfg),
        lambda: initialize(nn.Linear(1, 1), {**init_cfg, 'prefix': 'a.'}),
        lambda: MODELS.build(
            {'type': 'mmpretrain.ResNet', 'depth': 18, 'init_cfg': init_cfg}
        ).init_weights(),
    )
    for attempt in attempts:
        with pytest.raises(UserError, match='wants to run'):
            attempt()
    assert not trace.exists()


def test_downloads_of_dependencies_run_no_code(tmp_path, monkeypatch):
    trace, path = tmp_path / 'trace', tmp_path / 'checkpoints' / 'a.pth'
    path.parent.mkdir()
    torch.save({'w': Attack(os.system, f'touch {trace}')}, path)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    load = mmengine.runner.CheckpointLoader.load_checkpoint
    with pytest.raises(pickle.UnpicklingError):
        load('https://example.com/a.pth')  # it is in the cache
    assert not trace.exists()

    torch.save({'w': torch.ones(1), 'loss': HistoryBuffer([1.0], [1])}, path)
    assert load('https://example.com/a.pth')['w'] == 1


def test_mmengine_reads_weights_as_before(tmp_path):
    layer = nn.Linear(2, 2)
    torch.save({'state_dict': layer.state_dict()}, tmp_path / 'a.pth')
    other = nn.Linear(2, 2)
    mmengine.runner.load_checkpoint(other, str(tmp_path / 'a.pth'))
    assert other.weight.equal(layer.weight)
