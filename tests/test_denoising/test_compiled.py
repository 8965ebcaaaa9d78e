from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import pytest
import torch
from numba import prange

from mmcion.denoising.functional.compiled import compiled


@pytest.fixture(autouse=True)
def restored():
    before = numba.get_num_threads(), torch.get_num_threads()
    yield
    numba.set_num_threads(before[0])
    torch.set_num_threads(before[1])


@compiled(parallel=True)
def double_all(values):
    for i in prange(len(values)):
        values[i] *= 2


def test_short_loops_take_one_thread():
    values = np.ones(1000)
    double_all(values)
    assert (values == 2).all()
    assert numba.get_num_threads() == 1


class Pair(NamedTuple):
    first: np.ndarray
    second: np.ndarray


@compiled(parallel=True)
def add_all(values, pair):
    first, second = pair
    for i in prange(len(values)):
        values[i] += first[i] + second[i]


def test_what_is_kept_names_no_class_of_ours():
    values = np.ones(3)
    add_all(values, Pair(np.ones(3), np.full(3, 2.0)))
    assert (values == 4).all()
    kept = Path(__file__).parent / '__pycache__'
    for index in kept.glob('test_compiled.add_all*.nbi'):
        assert b'Pair' not in index.read_bytes()


@pytest.mark.parametrize('torch_threads', [1, 2])
def test_long_loops_take_as_many_as_torch(torch_threads):
    torch.set_num_threads(torch_threads)
    values = np.ones(1 << 20)
    double_all(values)
    assert (values == 2).all()
    most = min(torch_threads, numba.config.NUMBA_NUM_THREADS)
    assert numba.get_num_threads() == most


def test_compiles_also_where_nothing_can_be_kept(monkeypatch):
    def no_place(function, *args, **kwargs):
        raise RuntimeError('cannot cache function: no locator available')

    monkeypatch.setattr('numba.core.dispatcher.FunctionCache', no_place)

    @compiled()
    def double(value):
        return 2 * value

    assert double(3) == 6
