import faiss
import numpy as np
import pytest
import torch

from mmcion.utils.neighbours import (
    dot_products,
    nearest_columns,
    search_device,
    to_search_device,
    true_indices,
)


def vectors(count, dim=8, seed=0):
    """Return vectors whose products are exact in float32, many of them tied.

    So every engine must find the same.
    """
    rng = np.random.default_rng(seed)
    return rng.integers(-4, 5, (count, dim)).astype(np.float32)


@pytest.mark.parametrize('k', [1, 7, 49, 50])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_nearest_equal_a_stable_sort(k, dtype):
    block = torch.from_numpy(vectors(30) @ vectors(50, seed=1).T).to(dtype)
    assert (block.sort().values.diff() == 0).any()  # ties
    expected = block.argsort(stable=True)[:, :k]
    assert nearest_columns(block, k).equal(expected)


def test_nearest_of_rows_that_are_all_tied_or_infinite():
    block = torch.tensor([[2.0] * 5, [torch.inf, 1, torch.inf, 1, torch.inf]])
    assert nearest_columns(block, 3).tolist() == [[0, 1, 2], [1, 3, 0]]
    assert nearest_columns(block[:0], 3).shape == (0, 3)


@pytest.mark.parametrize('into', [False, True])
def test_products(into):
    rows, columns = vectors(9), vectors(20, seed=1)
    out = torch.zeros(9, 25) if into else None
    part = None if out is None else out[:, 2:22]
    found = dot_products(torch.from_numpy(rows), torch.tensor(columns), part)
    np.testing.assert_array_equal(found, rows @ columns.T)
    if out is not None:
        assert out[:, 2:22].equal(found)
        assert not out[:, :2].any() and not out[:, 22:].any()


def test_faiss_finds_the_same():
    rng = np.random.default_rng(0)
    many, few = (rng.normal(size=(n, 8)).astype(np.float32) for n in (200, 20))
    index = faiss.IndexFlatIP(8)
    index.add(many)
    products = dot_products(*map(to_search_device, (few, many)))
    found = nearest_columns(-products, 10).cpu()
    np.testing.assert_array_equal(found, index.search(few, 10)[1])


def test_indices_of_a_mask():
    mask = torch.rand(5, 9) < 0.3
    expected = np.flatnonzero(mask.numpy())
    np.testing.assert_array_equal(true_indices(mask), expected)


def test_gpu_is_taken_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    assert search_device().type == 'cuda'
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert search_device().type == 'cpu'


def test_array_of_the_type_wanted_is_not_copied():
    array = vectors(3)
    assert np.shares_memory(to_search_device(array).cpu().numpy(), array)
    assert to_search_device(array, np.float64).dtype == torch.float64
    assert to_search_device(array[:, ::-2]).tolist() == array[:, ::-2].tolist()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_gpu_finds_the_same():
    rows, columns = map(torch.from_numpy, (vectors(30), vectors(50, seed=1)))
    block = -dot_products(rows.cuda(), columns.cuda())
    assert block.cpu().equal(-dot_products(rows, columns))
    assert (
        nearest_columns(block, 7).cpu().equal(nearest_columns(block.cpu(), 7))
    )
    found = true_indices(block < 0)
    np.testing.assert_array_equal(found, true_indices(block.cpu() < 0))
