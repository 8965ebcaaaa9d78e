import json

import numpy as np
import pytest

from mmcion.utils.checks import UserError
from mmcion.utils.checksums import (
    CHECKSUMS,
    Checksum,
    check_files,
    checksum_file,
    damaged_files,
    folders_with_results,
    update_checksums,
    write_checksums,
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'a').write_bytes(b'123456789')
    (tmp_path / 'b').write_bytes(b'')
    write_checksums(tmp_path, ['a', 'b', 'absent'])
    return tmp_path


def test_known_value(folder):
    # the check value that every list of CRCs has
    assert json.loads((folder / CHECKSUMS).read_text()) == {
        'a': '9 bytes, crc32 cbf43926',
        'b': '0 bytes, crc32 00000000',
    }


def test_blocks_of_arrays_are_those_of_the_file(tmp_path):
    array = np.arange(300_000, dtype=np.float32).reshape(-1, 3)
    array.tofile(tmp_path / 'a')
    checksum, sizes = Checksum(), []
    for start in range(0, len(array), 7777):
        checksum.update(array[start : start + 7777].data)
    assert str(checksum) == checksum_file(tmp_path / 'a', sizes.append)
    assert sum(sizes) == array.nbytes


@pytest.mark.parametrize('bit', range(0, 72, 5))
def test_every_flipped_bit_is_found(folder, bit):
    check_files(folder, ['a', 'b'])
    content = bytearray(b'123456789')
    content[bit // 8] ^= 1 << bit % 8
    (folder / 'a').write_bytes(content)
    with pytest.raises(UserError, match=r'/a is damaged.*cbf43926'):
        check_files(folder, ['a', 'b'])
    (found,) = damaged_files(folder)
    assert f'{folder}/a' in found


def test_update_keeps_what_is_known_of_files_of_the_same_size(folder):
    (folder / 'a').write_bytes(b'12345678X')
    (folder / 'b').write_bytes(b'longer')
    (folder / 'c').touch()
    update_checksums(folder, ['b', 'c'])
    # damage to a is still found
    (damaged,) = damaged_files(folder)
    assert f'{folder}/a' in damaged
    check_files(folder, ['b', 'c'])
    (folder / 'a').unlink()
    update_checksums(folder, ['b', 'c'])
    assert damaged_files(folder) == []
    (folder / CHECKSUMS).unlink()
    update_checksums(folder, ['b', 'c'])
    assert not (folder / CHECKSUMS).exists()


def test_file_without_a_checksum_is_named(folder):
    (folder / 'c').touch()
    with pytest.raises(UserError, match='/c .*none for it'):
        check_files(folder, ['a', 'c'])


def test_missing_and_truncated_files(folder):
    (folder / 'a').write_bytes(b'1234')
    (folder / 'b').unlink()
    first, second = damaged_files(folder)
    assert '4 bytes' in first and '9 bytes' in first
    assert 'b does not exist' in second


def test_folder_without_checksums_is_not_compared(folder):
    (folder / CHECKSUMS).unlink()
    (folder / 'a').write_bytes(b'')
    check_files(folder, ['a'])


@pytest.mark.parametrize('name', ['../outside', '/etc/passwd', 'x/y', ''])
def test_names_do_not_lead_elsewhere(folder, name):
    (folder / CHECKSUMS).write_text(json.dumps({name: '0 bytes'}))
    (found,) = damaged_files(folder)
    assert repr(name) in found


@pytest.mark.parametrize('content', ['[]', 'null', '{"a": 5}', '{'])
def test_damaged_checksums_are_named(folder, content):
    (folder / CHECKSUMS).write_text(content)
    with pytest.raises(UserError, match=CHECKSUMS):
        check_files(folder, ['a'])


def test_folders_below_are_found(folder):
    for name in ('x/old', 'x/new', '.hidden'):
        (folder / name).mkdir(parents=True)
    (folder / 'x' / 'old' / 'table.json').touch()
    for name in ('x/new', '.hidden'):
        (folder / name / CHECKSUMS).touch()
    assert folders_with_results(folder) == (
        [folder, folder / 'x' / 'new'],
        [folder / 'x' / 'old'],
    )
