import os
import pickle
import tracemalloc
from collections import OrderedDict

import numpy as np
import pytest

from mmcion.utils.checks import UserError
from mmcion.utils.safe_pickle import load_pickle


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_reads_arrays_and_containers(tmp_path, protocol):
    value = OrderedDict(
        {1: [[0, {'bbox': np.arange(4.0), 'pid': np.int64(3)}]], 'a': {1, 2}}
    )
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps(value, protocol))

    found = load_pickle(path)

    assert found[1][0][1]['bbox'].tolist() == [0, 1, 2, 3]
    assert found[1][0][1]['pid'] == 3
    assert found['a'] == {1, 2}


class Attack:
    def __init__(self, function, argument):
        self.call = (function, (argument,))

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('function', [os.system, eval, __import__])
def test_functions_are_not_run(tmp_path, function):
    trace = tmp_path / 'trace'
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps(Attack(function, f'touch {trace}')))

    with pytest.raises(UserError, match='only arrays'):
        load_pickle(path)

    assert not trace.exists()


def test_damaged_pickle_names_the_file(tmp_path):
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps({1: np.arange(99)})[:40])

    with pytest.raises(UserError, match=r'a\.pkl was not read'):
        load_pickle(path)


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    'array',
    [
        np.arange(6, dtype='>i4').reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.zeros((0, 4), np.float32),
        np.array(['ab', 'c']),
        np.array([b'ab', b'c']),
        np.array([True, False]),
        np.array(2.5, np.float16),
        np.uint8(7),
    ],
    ids=str,
)
def test_arrays_come_back_as_they_were(tmp_path, array, protocol):
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps([array, array], protocol))

    found = load_pickle(path)

    for each in (*found, pickle.loads(pickle.dumps(found))[1]):
        np.testing.assert_array_equal(each, array)
        # numpy itself turns the bytes round, except in protocol 5
        assert each.dtype.newbyteorder('=') == array.dtype.newbyteorder('=')


ARRAY = (
    b'cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS"b"\ntR'
)
DTYPE = b'cnumpy\ndtype\n(S"%s"\nI00\nI01\ntR'
STATE = b'(I3\nS"<"\nNNNI%d\nI-1\nI0\ntb'


def array_of(code, shape, data, state=b''):
    """Bytes of a forged array."""
    dtype = DTYPE % code + state
    return (
        ARRAY
        + b'(I1\n('
        + shape
        + b't'
        + dtype
        + b'I00\nS"'
        + data
        + b'"\ntb.'
    )


@pytest.mark.parametrize(
    'content',
    [
        array_of(b'f8', b'I1000000000\n', b'x'),
        array_of(b'f8', b'I-1\nI-1\n', b'12345678'),
        array_of(b'S2000000000', b'I0\n', b''),
        array_of(b'O', b'I1\n', b'12345678'),
        array_of(b'V8', b'I1\n', b'12345678'),
        array_of(b'i4,i4', b'I1\n', b'12345678'),
        # the size in a dtype's state was believed
        array_of(b'f4', b'I1\n', b'12345678', STATE % 8),
        array_of(b'V', b'I1\n', b'12345678', STATE % 10**9),
        b'cnumpy\nndarray\n((I1000000000\ntS"f8"\ntR.',
        b'cbuiltins\nbytes\n(I2000000000\ntR.',
        b'cbuiltins\nbytearray\n(I2000000000\ntR.',
        b'Nr\xff\xff\xff\x7f.',
        b'\x80\x04N\x8e' + (2**40).to_bytes(8, 'little') + b'x.',
        b'(S"'
        + b'x' * 99
        + b'"\np0\n'
        + b'cbuiltins\ntuple\n(g0\ntR' * 30
        + b't.',
    ],
    ids=range(14),
)
def test_forged_values_are_refused_in_little_memory(tmp_path, content):
    path = tmp_path / 'a.pkl'
    path.write_bytes(content)
    tracemalloc.start()

    with pytest.raises(UserError, match=r'a\.pkl'):
        load_pickle(path)

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1 << 20


def test_a_state_changes_nothing_but_the_byte_order(tmp_path):
    path = tmp_path / 'a.pkl'
    path.write_bytes(array_of(b'i2', b'I1\n', b'\\x01\\x00', STATE % 10**9))

    assert load_pickle(path).tolist() == [1]
