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


def flip(file, place, bit=2):
    content = bytearray(file.read_bytes())
    content[place] ^= 1 << bit
    file.write_bytes(content)


@pytest.mark.parametrize('name', ['a.npy', 'b.npy'])
@pytest.mark.parametrize('place', [-1, -17, 40])
def test_flipped_bit_is_found(folder, name, place):
    flip(folder / name, place)
    with pytest.raises(UserError, match=name.replace('.', r'\.')):
        load_columns(folder, 'Things')


def test_flipped_bit_in_the_header_is_found(folder):
    header = (folder / HEADER).read_text()
    (folder / HEADER).write_text(header.replace('"x"', '"y"'))
    with pytest.raises(UserError, match=rf'{HEADER} is damaged.* delete'):
        load_columns(folder, 'Things')


def test_folder_of_an_older_version_opens(folder):
    (folder / 'checksums.json').unlink()
    assert load_columns(folder, 'Things')[0]['a'].tolist() == [0, 1, 2, 3, 4]


GOOD = {'kind': 'Things', 'lengths': {'a': 5}, 'names': ['x']}


@pytest.mark.parametrize(
    'header',
    [
        [],
        None,
        7,
        {},
        {'kind': None},
        {**GOOD, 'lengths': None},
        {**GOOD, 'lengths': ['a']},
        {**GOOD, 'lengths': {'a': '5'}},
        {**GOOD, 'lengths': {'a': -5}},
        {**GOOD, 'lengths': {'a': True}},
        {**GOOD, 'lengths': {'a': 1 << 70}},
        {**GOOD, 'lengths': {}},
        {**GOOD, 'lengths': {'a': 5, '../a': 5}},
        {**GOOD, 'lengths': {'a': 5, '/a': 5}},
        {**GOOD, 'lengths': {'a': 5, 'x/../a': 5}},
        {**GOOD, 'lengths': {'a': 5, 'a\0': 5}},
        {**GOOD, 'lengths': {'a': 5, '\ud800': 5}},
        {**GOOD, 'names': 'x'},
        {**GOOD, 'names': [None]},
        {**GOOD, 'image_root': 3},
        {**GOOD, 'image_root': {}},
        {**GOOD, 'image_root': '\ud800'},
        {**GOOD, 'image_root': 'a\0'},
    ],
)
def test_damaged_header_is_one_error(folder, header):
    (folder / 'checksums.json').unlink()
    (folder / HEADER).write_text(json.dumps(header))
    with pytest.raises(UserError):
        load_columns(folder, 'Things', {'a': 'i'}, {'names': list[str]})


def test_column_of_another_type_is_named(folder):
    with pytest.raises(UserError, match='column a is of type int64'):
        load_columns(folder, 'Things', {'a': 'S'})
