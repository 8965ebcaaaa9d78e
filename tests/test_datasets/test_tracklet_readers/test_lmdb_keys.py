import sys

import numpy as np
import pytest

from mmcion.datasets.tracklet_readers.image_tree import EMPTY_FILE
from mmcion.datasets.tracklet_readers.lmdb_keys import (
    NOT_THERE,
    find_lmdb,
    read_keys,
)
from mmcion.utils.skip_report import SkipReport

from .trees import counts_of, dump, make_lmdb


def keys_of(folder, report=None, **options):
    report = SkipReport(folder) if report is None else report
    parts = read_keys(folder, report, **options)
    return [key for part in parts for key in part]


def test_place_of_the_lmdb(tmp_path):
    assert find_lmdb(tmp_path) is None
    make_lmdb(tmp_path / 'lmdb', 'a')
    assert find_lmdb(tmp_path) == tmp_path / 'lmdb'
    assert find_lmdb(tmp_path / 'lmdb') == tmp_path / 'lmdb'


def test_file_instead_of_a_folder(tmp_path):
    make_lmdb(tmp_path / 'x', ['a', 'b'])
    file = (tmp_path / 'x' / 'data.mdb').rename(tmp_path / 'images.lmdb')
    assert find_lmdb(file) == file
    assert keys_of(file) == [b'a', b'b']


def test_without_list_all_keys_in_order(tmp_path):
    make_lmdb(tmp_path / 'x', ['b', 'a', 'c'])
    report = SkipReport('')
    assert keys_of(tmp_path / 'x', report) == [b'a', b'b', b'c']
    assert 'no keys.pkl' in report.notes[0]


@pytest.mark.parametrize(
    'content',
    [
        ['b', 'a', 'gone'],
        [b'b', b'a', b'gone'],
        {'keys': ['b', 'a', 'gone'], 'pids': [1, 2, 3]},
        {'keys': np.array(['b', 'a', 'gone'])},
    ],
)
@pytest.mark.parametrize('place', ['lmdb/keys.pkl', 'keys.pkl'])
def test_list_of_keys(tmp_path, content, place):
    make_lmdb(tmp_path / 'lmdb', ['a', 'b', 'c', 'd'])
    dump(tmp_path / place, content)
    report = SkipReport('')
    assert keys_of(tmp_path / 'lmdb', report) == [b'b', b'a']
    assert counts_of(report) == {NOT_THERE: 1}
    assert report.notes == [
        'the LMDB has 4 entries, keys.pkl lists 3, which are taken'
    ]


def test_empty_values(tmp_path):
    make_lmdb(tmp_path / 'x', ['a', 'b'], [b'', b'jpeg'])
    report = SkipReport('')
    assert keys_of(tmp_path / 'x', report) == [b'a', b'b']
    assert keys_of(tmp_path / 'x', report, check_sizes=True) == [b'b']
    assert counts_of(report) == {EMPTY_FILE: 1}


@pytest.mark.parametrize('content', [{'names': ['a']}, [], [1, 2], 'a', None])
def test_other_pickles(tmp_path, content):
    make_lmdb(tmp_path / 'x', 'a')
    dump(tmp_path / 'x' / 'keys.pkl', content)
    with pytest.raises(ValueError, match=r'keys\.pkl'):
        keys_of(tmp_path / 'x')


def test_file_that_was_not_copied_to_its_end(tmp_path):
    make_lmdb(tmp_path / 'x', ['a', 'b'], [bytes(99_000), bytes(99_000)])
    file = tmp_path / 'x' / 'data.mdb'
    with open(file, 'r+b') as stream:
        stream.truncate(100_000)
    with pytest.raises(ValueError, match='is truncated'):
        keys_of(tmp_path / 'x')


def test_file_that_is_no_lmdb(tmp_path):
    (tmp_path / 'data.mdb').write_bytes(b'no lmdb' * 9999)
    with pytest.raises(ValueError, match='not a readable LMDB'):
        keys_of(tmp_path)


def test_package_is_missing(tmp_path, monkeypatch):
    make_lmdb(tmp_path / 'x', 'a')
    monkeypatch.setitem(sys.modules, 'lmdb', None)
    with pytest.raises(ImportError, match='pip install lmdb'):
        keys_of(tmp_path / 'x')
