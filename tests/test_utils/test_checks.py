import re

import numpy as np
import pytest

from mmcion.utils.checks import (
    MissingPackageError,
    UserError,
    check_at_least,
    check_choice,
    check_columns,
    check_device,
    check_file,
    check_folder,
    check_image_size,
    check_interval,
    check_same_length,
    join_names,
    name_in_errors,
    optional_import,
)

NAN = float('nan')


@pytest.mark.parametrize('size', [[np.int64(64), 32], (64, 32)])
def test_image_size(size):
    assert check_image_size(size) == (64, 32)


@pytest.mark.parametrize(
    'size', [128, 0, (0, 0), (-1, 5), (64,), (64, 32, 3), (64.0, 32), '64']
)
def test_other_image_sizes_are_refused(size):
    with pytest.raises(UserError, match=f'side.*{re.escape(repr(size))}'):
        check_image_size(size, 'side')


def test_choice():
    check_choice('mode', 'all', ('all', 'indoor'))
    with pytest.raises(UserError, match="mode must be one of 'all', 'indoor'"):
        check_choice('mode', 'outdoor', ('all', 'indoor'))


@pytest.mark.parametrize('value', [1, 5, np.int64(2)])
def test_integer_of_at_least(value):
    check_at_least(1, shots=value)


@pytest.mark.parametrize('value', [0, -1, 1.5, True, '3', None, NAN])
def test_integer_below(value):
    with pytest.raises(UserError, match='shots'):
        check_at_least(1, other=3, shots=value)


@pytest.mark.parametrize('value', [0, 0.5, np.float32(3)])
def test_number_of_at_least(value):
    check_at_least(0.0, margin=value)


@pytest.mark.parametrize('value', [-0.1, NAN, True, '3'])
def test_number_below(value):
    with pytest.raises(UserError, match='margin'):
        check_at_least(0.0, margin=value)


@pytest.mark.parametrize(
    ('interval', 'inside', 'outside'),
    [
        ('[0, 1]', [0, 1, 0.5], [-0.1, 1.1, NAN, True, '0']),
        ('(0, 1)', [0.5], [0, 1]),
        ('[0, 1)', [0], [1]),
        ('(0, inf)', [1e9], [0, float('inf')]),
    ],
)
def test_interval(interval, inside, outside):
    for value in inside:
        check_interval(interval, ratio=value)
    for value in outside:
        with pytest.raises(UserError, match='ratio'):
            check_interval(interval, ratio=value)


def test_same_length():
    check_same_length(pids=[1, 2], cams=np.zeros(2))
    with pytest.raises(UserError, match='pids 2, cams 3'):
        check_same_length(pids=[1, 2], cams=[0, 0, 0])


def test_columns():
    check_columns('a.csv', ['pid', 'path'], ['path'])
    with pytest.raises(UserError, match=r'a\.csv: column pid is missing'):
        check_columns('a.csv', ['path'], ['path', 'pid'])
    with pytest.raises(UserError, match=r'c is missing; found a,b\. Do'):
        check_columns('a.csv', 'ab', ['a', 'c'], hint='Do.')
    with pytest.raises(UserError, match='found none'):
        check_columns('a.csv', [], ['pid'])


def test_file_and_folder(tmp_path):
    (tmp_path / 'a').touch()
    assert check_file(tmp_path / 'a') == tmp_path / 'a'
    assert check_folder(str(tmp_path)) == tmp_path
    with pytest.raises(FileNotFoundError, match='is a folder'):
        check_file(tmp_path)
    with pytest.raises(FileNotFoundError, match='is a file'):
        check_folder(tmp_path / 'a')
    with pytest.raises(FileNotFoundError, match=r'table .*b does not exist. '):
        check_folder(tmp_path / 'b', 'table', 'Run X first.')


def test_missing_package_is_both_kinds():
    assert issubclass(MissingPackageError, UserError)
    assert issubclass(MissingPackageError, ImportError)
    assert issubclass(UserError, ValueError)


def test_join_names():
    assert join_names('abc') == 'a, b, c'
    assert join_names('abcd', most=2) == 'a, b and 2 more'


def test_errors_of_a_block_name_the_file():
    with (
        pytest.raises(UserError, match=r'^a\.pth: too long$'),
        name_in_errors('a.pth'),
    ):
        raise UserError('too long')
    with pytest.raises(TypeError, match='bug'), name_in_errors('a.pth'):
        raise TypeError('bug')


def test_optional_import():
    with (
        pytest.raises(MissingPackageError, match=r'Reader.*no_such.*pip no'),
        optional_import('Reader', 'pip no'),
    ):
        import no_such_package  # noqa: F401
    with optional_import('Reader', 'pip no'):
        import json  # noqa: F401


def test_device():
    assert check_device('cpu').type == 'cpu'
    for device in ('gpu', 'cuda:99', 3.5):
        with pytest.raises(UserError, match=f'device.*{device}'):
            check_device(device)
