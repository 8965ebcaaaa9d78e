import contextlib
import errno
import hashlib
import io as bytes_io
import json
import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mmcion.utils import io
from mmcion.utils.checks import UserError
from mmcion.utils.io import (
    DiskFullError,
    atomic_file,
    atomic_folder,
    create_npy,
    hash_file,
    hash_value,
    load_npy,
    load_npz,
    map_npy,
    open_text,
    read_json,
    save_npy,
    save_npz,
    write_csv,
    write_json,
)


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*'))


def test_file_appears_whole(tmp_path):
    file = tmp_path / 'new' / 'a.txt'
    with atomic_file(file) as temporary:
        temporary.write_text('done')
        assert not file.exists()
    assert file.read_text() == 'done'
    assert names(tmp_path) == ['new', 'new/a.txt']


@pytest.mark.parametrize('error', [RuntimeError, KeyboardInterrupt])
def test_failed_file_leaves_the_old_one(tmp_path, error):
    file = tmp_path / 'a.txt'
    file.write_text('old')
    with pytest.raises(error), atomic_file(file) as temporary:
        temporary.write_text('half')
        raise error
    assert file.read_text() == 'old'
    assert names(tmp_path) == ['a.txt']


def test_folder_is_replaced_as_a_whole(tmp_path):
    folder = tmp_path / 'a'
    for name in ('first', 'second'):
        with atomic_folder(folder) as temporary:
            (temporary / name).touch()
    assert names(tmp_path) == ['a', 'a/second']


@pytest.mark.parametrize('error', [RuntimeError, KeyboardInterrupt])
def test_failed_folder_leaves_the_old_one(tmp_path, error):
    folder = tmp_path / 'a'
    folder.mkdir()
    (folder / 'old').touch()
    with pytest.raises(error), atomic_folder(folder) as temporary:
        (temporary / 'half').touch()
        raise error
    assert names(tmp_path) == ['a', 'a/old']


def test_json_round_trip(tmp_path):
    value = {'b': [1, 2.5, None], 'a': 'ä'}
    write_json(tmp_path / 'a.json', value)
    assert read_json(tmp_path / 'a.json') == value


def test_failed_json_leaves_the_old_file(tmp_path):
    write_json(tmp_path / 'a.json', 1)
    with pytest.raises(TypeError):
        write_json(tmp_path / 'a.json', {'bad': object()})
    assert read_json(tmp_path / 'a.json') == 1
    assert names(tmp_path) == ['a.json']


@pytest.mark.parametrize(
    'content', [b'{"a": ', b'', b'\xff', b'[' * 99999, b'9' * 5000]
)
def test_damaged_json_is_named(tmp_path, content):
    (tmp_path / 'a.json').write_bytes(content)
    with pytest.raises(UserError, match=r'a\.json is not'):
        read_json(tmp_path / 'a.json')


def test_missing_json(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / 'a.json')


def test_hash_of_a_file_longer_than_a_block(tmp_path):
    content = bytes(range(256)) * 5000
    (tmp_path / 'a').write_bytes(content)
    assert hash_file(tmp_path / 'a') == hashlib.sha256(content).hexdigest()


def test_hash_of_a_value_ignores_key_order_and_tuples():
    value = {'a': 1, 'b': (1, 2)}
    same = json.loads('{"b": [1, 2], "a": 1}')
    assert hash_value(value) == hash_value(same)
    assert hash_value(value) != hash_value({'a': 1, 'b': [2, 1]})


def test_json_takes_numpy_values(tmp_path):
    value = {'count': np.int64(3), 'rate': np.float32(0.5), 'rows': np.eye(2)}
    write_json(tmp_path / 'x.json', value)
    expected = {'count': 3, 'rate': 0.5, 'rows': [[1.0, 0.0], [0.0, 1.0]]}
    assert read_json(tmp_path / 'x.json') == expected
    with pytest.raises(TypeError, match='object cannot be written'):
        write_json(tmp_path / 'y.json', object())
    assert not (tmp_path / 'y.json').exists()


def test_arrays_round_trip(tmp_path):
    arrays = {'a': np.arange(3), 'b': np.array('text')}
    save_npz(tmp_path / 'new' / 'a.npz', **arrays)
    found = load_npz(tmp_path / 'new' / 'a.npz')
    assert found.keys() == arrays.keys()
    assert found['a'].tolist() == [0, 1, 2] and found['b'] == 'text'
    save_npy(tmp_path / 'a.npy', arrays['a'])
    assert np.load(tmp_path / 'a.npy').tolist() == [0, 1, 2]
    assert names(tmp_path) == ['a.npy', 'new', 'new/a.npz']


def test_missing_arrays(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_npz(tmp_path / 'a.npz')


def npy_bytes():
    stream = bytes_io.BytesIO()
    np.save(stream, np.arange(3))
    return stream.getvalue()


DAMAGES = {
    'empty': lambda raw: b'',
    'one byte': lambda raw: raw[:1],
    'cut': lambda raw: raw[:-1],
    'half': lambda raw: raw[: len(raw) // 2],
    'zeros at the end': lambda raw: raw[:90] + bytes(len(raw) - 90),
    'all zeros': lambda raw: bytes(len(raw)),
    'wrong value': lambda raw: raw.replace(np.int64(9).tobytes(), b'abcdefgh'),
    'other version': lambda raw: raw.replace(b'PK\x03\x04', b'PK\x03\x04\xff'),
    'array': lambda raw: npy_bytes(),
    'text': lambda raw: b'Internal Server Error\n',
}


@pytest.mark.parametrize('damage', DAMAGES)
def test_damaged_arrays(tmp_path, damage):
    file = tmp_path / 'a.npz'
    save_npz(file, value=np.array([9]))
    whole = file.read_bytes()
    file.write_bytes(DAMAGES[damage](whole))
    assert file.read_bytes() != whole
    with pytest.raises(UserError, match=r'a\.npz is damaged'):
        load_npz(file)


def test_arrays_cut_anywhere(tmp_path):
    file = tmp_path / 'a.npz'
    save_npz(file, value=np.array([9]))
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(UserError):
            load_npz(file)


@pytest.mark.parametrize(('offset', 'value'), [(8, 1), (10, 99), (6, 255)])
def test_zip_flags_that_cannot_be_read_are_damage(tmp_path, offset, value):
    # np.load raises NotImplementedError and RuntimeError for these
    file = tmp_path / 'a.npz'
    save_npz(file, value=np.array([9]))
    broken = bytearray(file.read_bytes())
    broken[broken.index(b'PK\x01\x02') + offset] = value
    file.write_bytes(broken)
    with pytest.raises(UserError):
        load_npz(file)


def test_mapped_array(tmp_path):
    save_npy(tmp_path / 'a.npy', np.arange(6).reshape(3, 2))
    for shape in ((3,), (3, 2)):
        array = map_npy(tmp_path / 'a.npy', shape)
        assert isinstance(array, np.memmap) and not array.flags.writeable
        assert array.tolist() == [[0, 1], [2, 3], [4, 5]]
    for shape in ((4,), (3, 5), (3, 2, 1)):
        with pytest.raises(
            UserError, match=rf'\(3, 2\).*{re.escape(str(shape))}'
        ):
            map_npy(tmp_path / 'a.npy', shape)


def test_empty_array_is_read_without_mapping(tmp_path):
    save_npy(tmp_path / 'a.npy', np.zeros((0, 4)))
    assert map_npy(tmp_path / 'a.npy', (0,)).shape == (0, 4)


def test_damaged_array_states_its_size(tmp_path):
    save_npy(tmp_path / 'a.npy', np.arange(100))
    content = (tmp_path / 'a.npy').read_bytes()
    for size in (0, 9, 200):
        (tmp_path / 'a.npy').write_bytes(content[:size])
        with pytest.raises(UserError, match=rf'{size} bytes.*\(100,\)'):
            map_npy(tmp_path / 'a.npy', (100,))
    with pytest.raises(FileNotFoundError):
        map_npy(tmp_path / 'b.npy', (100,))


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig'])
def test_text_with_and_without_a_byte_order_mark(tmp_path, encoding):
    (tmp_path / 'a.csv').write_text('é,ü\n', encoding=encoding)
    with open_text(tmp_path / 'a.csv') as stream:
        assert stream.read() == 'é,ü\n'


@pytest.mark.parametrize(
    ('encoding', 'name'),
    [('utf-16', 'UTF-16'), ('utf-16-be', 'UTF-8'), ('latin-1', 'Latin-1')],
)
def test_other_encodings_are_named(tmp_path, encoding, name):
    path = tmp_path / 'a.csv'
    path.write_text('é,ü\n', encoding=encoding)
    with (
        pytest.raises(UserError, match=rf'a\.csv .*{name}'),
        open_text(path) as stream,
    ):
        stream.read()


FORM = {
    'rows': int,
    'names': list[str],
    'lengths': dict[str, int],
    'extra': dict[str, int] | None,
}
GOOD = {'rows': 1, 'names': ['a'], 'lengths': {'a': 1}}


def test_json_of_a_form(tmp_path):
    write_json(tmp_path / 'a.json', {**GOOD, 'extra': None, 'other': [1]})
    assert read_json(tmp_path / 'a.json', FORM)['other'] == [1]


@pytest.mark.parametrize(
    ('value', 'message'),
    [
        (None, 'an object; got nothing'),
        ([], r'an object; got \[\]'),
        ({}, 'rows must be a int; got nothing'),
        ({**GOOD, 'rows': True}, 'rows must be a int; got True'),
        ({**GOOD, 'names': 'ab'}, "names must be a list; got 'ab'"),
        ({**GOOD, 'names': ['a', 1]}, 'an item of names must be a str; got 1'),
        ({**GOOD, 'lengths': {'a': None}}, 'an item of lengths .* nothing'),
        ({**GOOD, 'extra': 5}, 'extra must be an object; got 5'),
    ],
)
def test_json_of_another_form_is_named(tmp_path, value, message):
    write_json(tmp_path / 'a.json', value)
    with pytest.raises(UserError, match=rf'a\.json is damaged.*{message}'):
        read_json(tmp_path / 'a.json', FORM)


def test_csv_lines_end_with_a_line_feed(tmp_path):
    write_csv(tmp_path / 'a.csv', [('path', 'pid'), ('caf\xe9.jpg', 1)])
    content = (tmp_path / 'a.csv').read_bytes()
    assert content == 'path,pid\ncaf\xe9.jpg,1\n'.encode()


def test_created_array_is_mapped_and_zero(tmp_path):
    array = create_npy(tmp_path / 'a.npy', (3, 2), np.float16)
    assert isinstance(array, np.memmap)
    array[1] = 5
    assert load_npy(tmp_path / 'a.npy').tolist() == [[0, 0], [5, 5], [0, 0]]


@pytest.mark.parametrize('number', [None, errno.EOPNOTSUPP])
def test_space_is_reserved_without_fallocate(tmp_path, monkeypatch, number):
    def fails(*_):
        raise OSError(number, 'not here')

    if number is None:
        monkeypatch.delattr(os, 'posix_fallocate')
    else:
        monkeypatch.setattr(os, 'posix_fallocate', fails)
    array = create_npy(tmp_path / 'a.npy', (700_000, 2), np.float16)
    assert array.shape == (700_000, 2) and not array.any()
    assert os.stat(tmp_path / 'a.npy').st_blocks * 512 >= array.nbytes


def no_space(*_):
    raise OSError(errno.ENOSPC, 'No space left on device')


def test_full_disk_is_known_before_an_array_is_filled(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'posix_fallocate', no_space)
    with pytest.raises(DiskFullError, match=rf'a\.npy in {tmp_path}') as error:
        create_npy(tmp_path / 'a.npy', (3, 2), np.float16)
    assert error.value.errno == errno.ENOSPC
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ('error', 'free', 'is_full'),
    [
        (OSError(errno.ENOSPC, 'No space left'), 10**9, True),
        (OSError(errno.EDQUOT, 'Quota'), 10**9, True),
        # of NumPy and PyTorch, which do not say why
        (OSError('100 requested and 0 written'), 0, True),
        (RuntimeError('PytorchStreamWriter failed'), 0, True),
        (RuntimeError('a bug'), 10**9, False),
        (PermissionError(errno.EACCES, 'no'), 0, False),
    ],
)
@pytest.mark.parametrize('write', [atomic_file, atomic_folder])
def test_full_disk_is_named(
    tmp_path, monkeypatch, write, error, free, is_full
):
    disk = SimpleNamespace(free=free)
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: disk)
    expected = DiskFullError if is_full else type(error)
    with (
        pytest.raises(expected) as found,
        write(tmp_path / 'x'),
        atomic_file(tmp_path / 'inner'),
    ):
        raise error
    if is_full:
        assert f'inner in {tmp_path}' in str(found.value)
    assert names(tmp_path) == []


KILLED = """
import os, sys
from pathlib import Path
from mmcion.utils.io import atomic_file, atomic_folder
folder = Path(sys.argv[1])
with atomic_file(folder / 'a.json') as part, atomic_folder(folder / 't') as t:
    part.write_text('{"half')
    (t / 'x').touch()
    os._exit(9)
"""


def test_what_a_killed_process_left_is_removed(tmp_path):
    subprocess.run([sys.executable, '-c', KILLED, tmp_path], check=False)
    assert len(names(tmp_path)) == 3
    (tmp_path / '.b.tmp').touch()  # of no process of ours
    with atomic_file(tmp_path / 'other') as temporary:
        assert names(tmp_path) == ['.b.tmp']
        temporary.touch()
        # those of a living process stay
        io._remove_left_overs.cache_clear()
        write_json(tmp_path / 'second', 2)
    assert names(tmp_path) == ['.b.tmp', 'other', 'second']


def test_folder_of_a_process_killed_between_two_renames(tmp_path, monkeypatch):
    write_json(tmp_path / 't' / 'a.json', 1)
    monkeypatch.setattr(os, 'getpid', lambda: 999_999_999)  # no such process
    os.replace(tmp_path / 't', io._beside(tmp_path / 't', 'old'))
    monkeypatch.undo()
    io._remove_left_overs.cache_clear()
    with atomic_file(tmp_path / 'x') as temporary:
        temporary.touch()
    assert names(tmp_path) == ['t', 't/a.json', 'x']


def test_no_damage_of_an_array_is_a_traceback(tmp_path):
    save_npy(tmp_path / 'a.npy', np.arange(6).reshape(3, 2))
    content = (tmp_path / 'a.npy').read_bytes()
    for place in range(0, 128, 3):
        for bit in (0, 3, 6):
            damaged = bytearray(content)
            damaged[place] ^= 1 << bit
            (tmp_path / 'a.npy').write_bytes(damaged)
            with contextlib.suppress(UserError):
                load_npy(tmp_path / 'a.npy')
            with contextlib.suppress(UserError):
                map_npy(tmp_path / 'a.npy', (3,))
