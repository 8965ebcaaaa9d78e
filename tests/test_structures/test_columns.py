import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from mmcion.structures import columns
from mmcion.structures.columns import (
    as_floats,
    as_integers,
    check_finite,
    encode_paths,
    first_unsorted,
    join_parts,
)
from mmcion.utils.checks import UserError

NAMES = ['a.jpg', '', 'é/行人.png', 'x' * 40, 'b']


@pytest.mark.parametrize('block', [1, 2, 1 << 16])
@pytest.mark.parametrize(
    'kind', [list, tuple, np.array, lambda x: np.array(x, object)]
)
def test_paths_become_bytes(monkeypatch, kind, block):
    monkeypatch.setattr(columns, '_BLOCK', block)
    paths = encode_paths(kind(NAMES))
    assert paths.dtype == 'S40'
    assert paths.tolist() == [name.encode() for name in NAMES]


def test_paths_of_several_kinds():
    assert encode_paths([Path('a/b'), b'c', 'd']).tolist() == [
        b'a/b',
        b'c',
        b'd',
    ]


def test_bytes_are_returned_unchanged():
    paths = np.array([b'a', b'bc'])
    assert encode_paths(paths) is paths


def test_no_paths():
    assert encode_paths([]).shape == (0,)


def test_values_that_are_not_paths_are_refused():
    with pytest.raises(TypeError, match='not int'):
        encode_paths(['a', 5])
    with pytest.raises(UserError, match=r'b\\x00'):
        encode_paths(['a', 'b\0'])


def test_paths_need_little_more_than_their_bytes():
    names = [f'{row:040d}' for row in range(300_000)]
    tracemalloc.start()
    paths = encode_paths(names)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # parts and result, and one block of Python objects
    assert peak < 2.2 * paths.nbytes + 10e6


def test_joined_parts_keep_order_and_longest_item():
    parts = [np.array([b'a']), np.zeros(0, 'S1'), np.array([b'bcd', b''])]
    assert join_parts(parts).tolist() == [b'a', b'bcd', b'']
    assert parts == []


def test_joining_other_columns():
    parts = [np.ones((2, 4)), np.zeros((1, 4), np.float32)]
    assert join_parts(parts)[:, 0].tolist() == [1, 1, 0]


def test_first_unsorted_row():
    rng = np.random.default_rng(0)
    for _ in range(50):
        keys = rng.integers(0, 3, (3, 5))
        rows = list(zip(*keys.tolist(), strict=True))
        wrong = [i for i in range(1, 5) if rows[i] < rows[i - 1]]
        assert first_unsorted(keys) == (wrong[0] if wrong else None)
    assert first_unsorted([np.zeros(0)]) is None


def test_integers_of_the_same_type_are_not_copied():
    values = np.arange(3, dtype=np.int32)
    assert as_integers('pid', values, np.int32) is values


@pytest.mark.parametrize(
    'values', [[0, 7], [0.0, 7.0], np.array([0, 7], np.uint8), range(0, 8, 7)]
)
def test_whole_numbers_are_converted(values):
    found = as_integers('pid', values, np.int32)
    assert found.dtype == np.int32
    assert found.tolist() == [0, 7]


@pytest.mark.parametrize(
    ('values', 'dtype', 'row'),
    [
        ([0, 0.5], np.int64, 1),
        ([np.nan, 0], np.int64, 0),
        ([0, np.inf], np.int64, 1),
        ([0, -np.inf], np.int64, 1),
        ([0, 2.0**63], np.int64, 1),
        (np.array([0, 2**63], np.uint64), np.int64, 1),
        ([0, 2**31], np.int32, 1),
        ([0.0, 2.0**31], np.int32, 1),
        ([-(2**31) - 1, 0], np.int32, 0),
    ],
)
def test_a_number_that_would_change_is_named(values, dtype, row):
    with pytest.raises(UserError, match=f'frame .*row {row} is'):
        as_integers('frame', values, dtype)


@pytest.mark.parametrize('values', [['1'], [True], [None], [1j]])
def test_other_types_are_refused(values):
    with pytest.raises(UserError, match=r'frame .*got an array'):
        as_integers('frame', values, np.int64)


def test_masked_values_are_refused():
    values = np.ma.masked_equal([1, 2], 2)
    for convert in (as_floats, lambda *a: as_integers(*a, np.int64)):
        with pytest.raises(UserError, match='score .*masked'):
            convert('score', values)


def test_first_row_that_is_not_finite_is_named():
    values = np.ones((3, 4))
    check_finite('box', values)
    values[1:, 2] = np.nan
    with pytest.raises(UserError, match=r'box\[1\]'):
        check_finite('box', values)
