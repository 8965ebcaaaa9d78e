import numba
import pytest
import torch

from mmcion.denoising.functional.compiled import compiled, set_threads


@pytest.fixture(autouse=True)
def restored():
    before = numba.get_num_threads(), torch.get_num_threads()
    yield
    numba.set_num_threads(before[0])
    torch.set_num_threads(before[1])


def test_short_loops_take_one_thread():
    set_threads(1000)
    assert numba.get_num_threads() == 1


@pytest.mark.parametrize('torch_threads', [1, 2])
def test_long_loops_take_as_many_as_torch(torch_threads):
    torch.set_num_threads(torch_threads)
    set_threads(1 << 20)
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
