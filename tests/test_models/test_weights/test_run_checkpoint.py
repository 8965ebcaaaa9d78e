import os

import numpy as np
import pytest
import torch

from mmcion.models.weights import choose_run_checkpoint
from mmcion.utils.checks import UserError

RUN = {'state_dict': {}, 'meta': {}, 'message_hub': {}, 'optimizer': {}}


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


@pytest.mark.parametrize('how', ['load_from', 'resume'])
def test_runs_look_at_their_checkpoint_first(tmp_path, how):
    file = tmp_path / 'epoch_1.pth'
    torch.save(RUN, file)
    (tmp_path / 'last_checkpoint').write_text(str(file))
    cfg = {'work_dir': str(tmp_path), 'resume': True, 'load_from': None}
    if how == 'load_from':
        cfg['load_from'] = str(file)
    choose_run_checkpoint(cfg)
    cut(file)
    with pytest.raises(UserError, match=r'epoch_1\.pth is truncated'):
        choose_run_checkpoint(cfg)


def test_a_first_run_has_no_checkpoint(tmp_path):
    cfg = {'work_dir': str(tmp_path), 'resume': True}
    assert choose_run_checkpoint(cfg) == []


@pytest.mark.parametrize('damage', [cut, flip, remove])
def test_resume_takes_the_undamaged_checkpoint_before(tmp_path, damage):
    files = save_run(tmp_path, (8, 9, 10, 11))
    (tmp_path / 'best_mAP_epoch_10.pth').write_bytes(b'newest')
    for file in files[2:]:
        damage(file)
    cfg = {'work_dir': str(tmp_path), 'resume': True}
    warnings = choose_run_checkpoint(cfg)
    assert cfg['load_from'] == str(files[1])
    assert str(files[-1]) in warnings[0]
    assert f'Going on from {files[1]}' in warnings[0]
    assert len(warnings) == (1 if damage is remove else 2)


@pytest.mark.parametrize('damage', [cut, flip])
def test_damaged_checkpoint_that_was_named_is_an_error(tmp_path, damage):
    file = save_run(tmp_path)[-1]
    damage(file)
    cfg = {'work_dir': str(tmp_path), 'resume': True, 'load_from': str(file)}
    with pytest.raises(UserError, match=r'epoch_3\.pth is'):
        choose_run_checkpoint(cfg)


@pytest.mark.parametrize('text', ['', None])
def test_last_checkpoint_may_be_empty_or_missing(tmp_path, text):
    files = save_run(tmp_path)
    (tmp_path / 'last_checkpoint').unlink()
    if text is not None:
        (tmp_path / 'last_checkpoint').write_text(text)
    cfg = {'work_dir': str(tmp_path), 'resume': True}
    assert choose_run_checkpoint(cfg) == []
    assert cfg['load_from'] == str(files[-1])


def test_run_does_not_begin_anew_where_all_checkpoints_are_damaged(tmp_path):
    for file in save_run(tmp_path):
        cut(file)
    cfg = {'work_dir': str(tmp_path), 'resume': True}
    with pytest.raises(UserError, match=r'no checkpoint .*: .*epoch_1\.pth'):
        choose_run_checkpoint(cfg)


def test_weights_alone_can_be_loaded_but_not_resumed(tmp_path):
    torch.save({'state_dict': {}}, tmp_path / 'a.pth')
    cfg = {'load_from': str(tmp_path / 'a.pth')}
    assert choose_run_checkpoint({**cfg, 'resume': False}) == []
    with pytest.raises(UserError, match='no message_hub, meta, optimizer'):
        choose_run_checkpoint({**cfg, 'resume': True})
