import os
import pickle
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

    with pytest.raises(UserError, match='only numpy arrays'):
        load_pickle(path)

    assert not trace.exists()


def test_damaged_pickle_names_the_file(tmp_path):
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps({1: np.arange(99)})[:40])

    with pytest.raises(UserError, match=r'a\.pkl was not read'):
        load_pickle(path)
