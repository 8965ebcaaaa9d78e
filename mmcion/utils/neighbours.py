"""How nearest neighbours are searched, the same for all that search.

An exact search multiplies vectors block by block and selects. NumPy and
PyTorch do that on CPUs, PyTorch on a GPU where there is one. FAISS is not
used, since results must not depend on what is installed:

- Its exact index for CPUs ranks the last of equal vectors first. It takes 0.6
  of our time for the nearest 20 of 60,000 vectors, and 1.3 to 2.8 times our
  time for all pairs below a distance (``benchmarks/bench_neighbours.py``).
- Its index for GPUs multiplies by cuBLAS, as PyTorch does, but finds at most
  2048 neighbours and has no range search, which links between videos need.

Its other indices miss neighbours.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor


def search_device() -> torch.device:
    """Return where vectors are compared."""
    return torch.device('cuda' if torch.cuda.is_available() else 'cpu')


def to_search_device(array: np.ndarray, dtype: Any = None) -> Tensor:
    """Return an array where vectors are compared, without a needless copy."""
    array = np.ascontiguousarray(array, dtype)
    return torch.from_numpy(array).to(search_device())


def dot_products(
    rows: Tensor, columns: Tensor, out: Tensor | None = None
) -> Tensor:
    """Return the products of all ``(R, D)`` rows and ``(C, D)`` columns.

    Args:
        rows: R vectors.
        columns: C vectors.
        out: ``(R, C)`` memory of the result, made if None.
    """
    if rows.is_cuda:
        return torch.matmul(rows, columns.T, out=out)
    # NumPy's BLAS took less time than PyTorch's
    memory = None if out is None else out.numpy()
    return torch.from_numpy(
        np.matmul(rows.numpy(), columns.numpy().T, out=memory)
    )


def true_indices(mask: Tensor) -> np.ndarray:
    """Return the positions in the flattened mask, ascending."""
    if mask.is_cuda:
        return mask.flatten().nonzero().flatten().cpu().numpy()
    # on a CPU, PyTorch's nonzero takes several times as long
    return np.flatnonzero(mask.numpy())


def nearest_columns(block: Tensor, k: int) -> Tensor:
    """Return the columns ``(B, k)`` of the smallest values of each row.

    They are in ascending order; of equal values the lower column is first.

    Args:
        block: ``(B, G)`` distances.
        k: Number of columns, at most G.
    """
    # one more than wanted shows whether others tie with the last
    found = block.topk(min(k + 1, block.shape[1]), largest=False)
    columns = found.indices[:, :k].sort().values
    order = block.gather(1, columns).argsort(stable=True)
    columns = columns.gather(1, order)
    if k < block.shape[1]:
        tied = found.values[:, k - 1] == found.values[:, k]
        columns[tied] = block[tied].argsort(stable=True)[:, :k]
    return columns
