import hashlib
import io
import json
import re

import numpy as np
import pytest

from mmcion.utils.checks import UserError
from mmcion.utils.io import (
    atomic_file,
    atomic_folder,
    hash_file,
    hash_value,
    load_npy,
    load_npz,
    map_npy,
    open_text,
    read_json,
    save_npy,
    save_npz,
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


@pytest.mark.parametrize('content', [b'{"a": ', b'', b'\xff\xfe\x00'])
def test_damaged_json_is_named(tmp_path, content):
    (tmp_path / 'a.json').write_bytes(content)
    with pytest.raises(UserError, match=r'a\.json is not a JSON file'):
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
    stream = io.BytesIO()
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


def test_array_is_read_or_named(tmp_path):
    save_npy(tmp_path / 'a.npy', np.arange(3))
    assert load_npy(tmp_path / 'a.npy').tolist() == [0, 1, 2]
    save_npz(tmp_path / 'b.npy', a=np.arange(3))
    (tmp_path / 'c.npy').write_text('[1, 2]')
    for name in ('b.npy', 'c.npy'):
        with pytest.raises(UserError, match=name):
            load_npy(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        load_npy(tmp_path / 'none.npy')
