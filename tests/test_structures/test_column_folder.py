import json

import numpy as np
import pytest

from mmcion.structures.column_folder import (
    HEADER,
    load_columns,
    save_columns,
)
from mmcion.utils.checks import UserError


@pytest.fixture
def folder(tmp_path):
    columns = {'a': np.arange(5), 'b': np.ones((5, 2), np.float32)}
    save_columns(tmp_path / 'things', 'Things', columns, {'names': ['x']})
    return tmp_path / 'things'


def test_round_trip_is_mapped_and_read_only(folder):
    columns, header = load_columns(folder, 'Things')
    assert columns['a'].tolist() == [0, 1, 2, 3, 4]
    assert columns['b'].dtype == np.float32
    assert header['names'] == ['x']
    with pytest.raises(ValueError, match='read-only'):
        columns['a'][0] = 7


def test_saving_again_replaces_the_whole_folder(folder):
    save_columns(folder, 'Things', {'c': np.zeros(1)}, {})
    names = sorted(path.name for path in folder.iterdir())
    assert names == ['c.npy', 'checksums.json', HEADER]


def test_failed_save_leaves_the_old_folder(folder):
    before = sorted(path.name for path in folder.parent.rglob('*'))
    with pytest.raises(TypeError):
        save_columns(folder, 'Things', {'a': np.ones(2)}, {'bad': object()})
    assert sorted(path.name for path in folder.parent.rglob('*')) == before
    assert len(load_columns(folder, 'Things')[0]['a']) == 5


def test_truncated_column_names_rows_and_bytes(folder):
    file = folder / 'b.npy'
    file.write_bytes(file.read_bytes()[:140])
    with pytest.raises(UserError, match=r'b\.npy.* 140 bytes.*\(5,\)'):
        load_columns(folder, 'Things')


@pytest.mark.parametrize('size', [0, 5, 60])
def test_column_cut_in_its_header_is_damage(folder, size):
    file = folder / 'a.npy'
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(UserError, match=rf'a\.npy.* {size} bytes.*\(5,\)'):
        load_columns(folder, 'Things')


def test_wrong_length_names_both_counts(folder):
    np.save(folder / 'a.npy', np.arange(3))
    with pytest.raises(UserError, match=r'a\.npy.*\(3,\).*\(5,\)'):
        load_columns(folder, 'Things')


def test_missing_column_and_missing_folder(folder):
    (folder / 'a.npy').unlink()
    with pytest.raises(FileNotFoundError, match=r'a\.npy'):
        load_columns(folder, 'Things')
    with pytest.raises(FileNotFoundError, match=r'Things .*nowhere'):
        load_columns(folder / 'nowhere', 'Things')


def test_folder_of_another_kind(folder):
    with pytest.raises(UserError, match='a Things, not a Table'):
        load_columns(folder, 'Table')


def test_damaged_header_is_named(folder):
    text = (folder / HEADER).read_text()
    (folder / HEADER).write_text(text[: len(text) // 2])
    with pytest.raises(UserError, match=HEADER):
        load_columns(folder, 'Things')
    (folder / HEADER).write_text(json.dumps({'kind': 'Other'}))
    with pytest.raises(UserError, match='not a Things'):
        load_columns(folder, 'Things')
