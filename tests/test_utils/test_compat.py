import argparse
import importlib.metadata
import os
import pickle
import warnings

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmcion.utils.compat import (
    check_engine,
    check_run_checkpoint,
    load_checkpoint_safely,
    quiet_known_warnings,
)


class Attack:
    """Unpickles to a call of any function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


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

    found = load_checkpoint_safely(tmp_path / 'a.pth')

    assert found['state_dict']['w'].tolist() == [0, 1, 2, 3]
    assert found['message_hub']['loss'].mean() == pytest.approx(7 / 3)
    assert found['args'].lr == 0.1
    assert found['best'] == 0.5
    assert found['count'] == 3
    assert found['history'].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found['flags'].tolist() == [True, False]


@pytest.mark.parametrize('function', [os.system, eval, exec, __import__])
@pytest.mark.parametrize('legacy', [False, True])
def test_code_in_a_checkpoint_never_runs(tmp_path, function, legacy):
    trace = tmp_path / 'trace'
    attack = Attack(function, f"__import__('os').mkdir({str(trace)!r})")
    torch.save(
        {'state_dict': {'w': torch.ones(1)}, 'evil': attack},
        tmp_path / 'a.pth',
        _use_new_zipfile_serialization=not legacy,
    )
    with pytest.raises(ValueError, match='it was not loaded'):
        load_checkpoint_safely(tmp_path / 'a.pth')
    assert not trace.exists()


class MethodCall:
    """Unpickles to ``getattr(array, name)(*arguments)``."""

    def __init__(self, name, *arguments):
        self.name, self.arguments = name, arguments

    def __reduce__(self):
        return Getter(self.name), self.arguments


class Getter:
    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return getattr, (np.ones(3), self.name)

    def __call__(self):
        """Pickle wants the function of a call to be callable."""


def test_method_reached_through_getattr_is_not_called(tmp_path):
    trace = tmp_path / 'trace'
    torch.save({'evil': MethodCall('tofile', str(trace))}, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='it was not loaded'):
        load_checkpoint_safely(tmp_path / 'a.pth')
    assert not trace.exists()


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('share', [0.0, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_truncated_checkpoint_is_refused(tmp_path, share, legacy):
    file = tmp_path / 'a.pth'
    torch.save(
        {'state_dict': {'w': torch.ones(1000), 'v': torch.ones(7)}},
        file,
        _use_new_zipfile_serialization=not legacy,
    )
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r'a\.pth is damaged'):
        load_checkpoint_safely(file)


@pytest.mark.parametrize(
    'content',
    [
        b'hello',
        b'<!DOCTYPE html><html></html>',
        b'\x00' * 100,
        b'\x89PNG\r\n\x1a\n' + b'\x00' * 40,
        np.random.default_rng(0).bytes(500),
        pickle.dumps({'a': 1}, 2),
        pickle.dumps(7, 0),
    ],
    ids=['text', 'html', 'zeros', 'png', 'random', 'pickle', 'pickle0'],
)
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / 'a.pth').write_bytes(content)
    with pytest.raises(ValueError, match=r'a\.pth is damaged or is not a'):
        load_checkpoint_safely(tmp_path / 'a.pth')


def test_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no checkpoint at .*a\.pth'):
        load_checkpoint_safely(tmp_path / 'a.pth')


def with_versions(monkeypatch, **versions):
    def version(name):
        try:
            return versions[name.replace('-', '_')]
        except KeyError:
            raise importlib.metadata.PackageNotFoundError(name) from None

    monkeypatch.setattr(importlib.metadata, 'version', version)


def test_installed_engine_is_accepted():
    check_engine()


def test_two_engines_have_overwritten_each_other(monkeypatch):
    with_versions(monkeypatch, mmengine='0.10.7', onedl_mmengine='0.11.0')
    with pytest.raises(ImportError, match='onedl-mmengine and mmengine share'):
        check_engine()


@pytest.mark.parametrize('name', ['mmengine', 'onedl_mmengine'])
def test_old_engine(monkeypatch, name):
    with_versions(monkeypatch, **{name: '0.9.1'})
    with pytest.raises(ImportError, match=r'0\.9\.1 is too old; run: pip'):
        check_engine()
    with_versions(monkeypatch, **{name: '1.0.0rc1'})
    check_engine()


def test_engine_is_missing(monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(ImportError, match='mmcion needs mmengine; run: pip'):
        check_engine()


def test_only_known_warnings_are_silenced():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        quiet_known_warnings()
        warnings.warn(
            'Fail to import ``MultiScaleDeformableAttention``', stacklevel=1
        )
        warnings.warn('something else', stacklevel=1)
    assert [str(warning.message) for warning in caught] == ['something else']


@pytest.mark.parametrize(
    ('owner', 'name'),
    [(HistoryBuffer, '__init__'), (HistoryBuffer, '_log_history')],
)
def test_getattr_reaches_nothing_but_statistics(tmp_path, owner, name):
    attack = Attack(getattr, owner, name)
    torch.save({'evil': attack}, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='asks for the attribute'):
        load_checkpoint_safely(tmp_path / 'a.pth')


RUN = {'state_dict': {}, 'meta': {}, 'message_hub': {}, 'optimizer': {}}


@pytest.mark.parametrize('how', ['load_from', 'resume'])
def test_runs_look_at_their_checkpoint_first(tmp_path, how):
    file = tmp_path / 'epoch_1.pth'
    torch.save(RUN, file)
    (tmp_path / 'last_checkpoint').write_text(str(file))
    cfg = {'work_dir': str(tmp_path), 'resume': True, 'load_from': None}
    if how == 'load_from':
        cfg['load_from'] = str(file)
    check_run_checkpoint(cfg)
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(ValueError, match=r'epoch_1\.pth is damaged'):
        check_run_checkpoint(cfg)


def test_a_first_run_has_no_checkpoint(tmp_path):
    check_run_checkpoint({'work_dir': str(tmp_path), 'resume': True})


def save_run(folder, numbers=(1, 2, 3)):
    """Save checkpoints, the last one last, and return their paths."""
    files = [folder / f'epoch_{number}.pth' for number in numbers]
    for second, file in enumerate(files):
        torch.save({**RUN, 'state_dict': {'w': torch.ones(999)}}, file)
        os.utime(file, (second, second))
    (folder / 'last_checkpoint').write_text(str(files[-1]))
    return files


def cut(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file):
    """Change one bit of the weights."""
    data = bytearray(file.read_bytes())
    data[data.index(np.ones(9, np.float32).tobytes()) + 40] ^= 1
    file.write_bytes(data)


def remove(file):
    file.unlink()


@pytest.mark.parametrize('damage', [cut, flip, remove])
def test_resume_takes_the_sound_checkpoint_before(tmp_path, damage):
    files = save_run(tmp_path, (8, 9, 10, 11))
    (tmp_path / 'best_mAP_epoch_10.pth').write_bytes(b'newest')
    for file in files[2:]:
        damage(file)
    cfg = {'work_dir': str(tmp_path), 'resume': True}
    warnings = check_run_checkpoint(cfg)
    assert cfg['load_from'] == str(files[1])
    assert str(files[-1]) in warnings[0]
    assert f'Going on from {files[1]}' in warnings[0]
    assert len(warnings) == 1 if damage is remove else 2


@pytest.mark.parametrize('damage', [cut, flip])
def test_damaged_checkpoint_that_was_named_is_an_error(tmp_path, damage):
    file = save_run(tmp_path)[-1]
    damage(file)
    cfg = {'work_dir': str(tmp_path), 'resume': True, 'load_from': str(file)}
    with pytest.raises(ValueError, match=r'epoch_3\.pth is damaged'):
        check_run_checkpoint(cfg)


@pytest.mark.parametrize('text', ['', None])
def test_last_checkpoint_may_be_empty_or_missing(tmp_path, text):
    files = save_run(tmp_path)
    (tmp_path / 'last_checkpoint').unlink()
    if text is not None:
        (tmp_path / 'last_checkpoint').write_text(text)
    cfg = {'work_dir': str(tmp_path), 'resume': True}
    assert check_run_checkpoint(cfg) == []
    assert cfg['load_from'] == str(files[-1])


def test_run_does_not_begin_anew_where_all_checkpoints_are_damaged(tmp_path):
    for file in save_run(tmp_path):
        cut(file)
    cfg = {'work_dir': str(tmp_path), 'resume': True}
    with pytest.raises(ValueError, match=r'no .* is sound: .*epoch_1\.pth'):
        check_run_checkpoint(cfg)


def test_weights_alone_can_be_loaded_but_not_resumed(tmp_path):
    torch.save({'state_dict': {}}, tmp_path / 'a.pth')
    cfg = {'load_from': str(tmp_path / 'a.pth')}
    assert check_run_checkpoint({**cfg, 'resume': False}) == []
    with pytest.raises(ValueError, match='no message_hub, meta, optimizer'):
        check_run_checkpoint({**cfg, 'resume': True})
