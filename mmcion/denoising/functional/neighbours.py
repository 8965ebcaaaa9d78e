"""Near pairs among many vectors without an N x N array."""

from __future__ import annotations

import faiss
import numpy as np
import torch
from mmengine.device import get_device

from mmcion.utils.shards import Shards

_SLACK = 1e-4  # float32 products may err by less than this
_COLUMNS = 8192
_MOST_PAIRS = 200_000_000  # of a rank; they take 5 GB


def near_pairs(
    vectors: np.ndarray,
    delta: float,
    *,
    group: np.ndarray,
    range_size: int | None = None,
    stride: int | None = None,
    block: int = 1024,
    shards: Shards | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find pairs of different groups that are nearer than ``delta``.

    A float32 matrix product by blocks, on the GPU where there is one, finds
    candidates; their distances are then computed pair by pair in float64, so
    the result does not depend on ``block``. Every pair is looked at once,
    which makes this faster than a range search over an index.

    Args:
        vectors: ``(n, D)`` unit vectors.
        delta: distances below it count, 1 - cosine.
        group: ``(n,)``; pairs within a group are left out.
        range_size: only pairs that lie in a common sliding range of this
            many vectors; None compares all with all.
        stride: how far the range moves, in [1, ``range_size``].
        block: vectors on one side of a product.
        shards: how the work is shared and kept.

    Returns:
        First index, second index (larger), distance; each ``(m,)``, ordered
        by distance, then by indices.

    Raises:
        ValueError: if ``stride`` does not fit ``range_size``, or there are
            more pairs than memory can be expected to hold.
    """
    check_range(range_size, stride)
    strips = _strips(len(vectors), range_size, stride, block)
    found = 0
    device = get_device()
    single = torch.from_numpy(np.asarray(vectors, np.float32)).to(device)

    def search(strip: tuple[int, int, int]) -> dict[str, np.ndarray]:
        first, second = _candidates(single, strip, delta + _SLACK)
        wanted = (first < second) & (group[first] != group[second])
        first, second = first[wanted], second[wanted]
        distance = pair_distance(vectors, first, second)
        near = distance < delta
        nonlocal found
        found += int(near.sum())
        if found > _MOST_PAIRS:
            raise ValueError(
                f'more than {_MOST_PAIRS:,} pairs of {len(vectors):,} '
                f'identities are nearer than delta ({delta:.3f}): it is too '
                f'large for these features. Lower it, or false_links if it '
                f'was calibrated.'
            )
        return {
            'first': first[near],
            'second': second[near],
            'distance': distance[near],
        }

    parts = (shards or Shards()).map(
        'links',
        search,
        strips,
        sizes=[(stop - start) * (end - start) for start, stop, end in strips],
        unit='pair',
    )
    empty = {
        'first': np.zeros(0, np.int64),
        'second': np.zeros(0, np.int64),
        'distance': np.zeros(0),
    }
    first, second, distance = (
        np.concatenate([part[name] for part in [empty, *parts]])
        for name in empty
    )
    order = np.lexsort((second, first, distance))
    return first[order], second[order], distance[order]


def check_range(range_size: int | None, stride: int | None) -> None:
    """Raise ValueError if ``stride`` does not fit ``range_size``."""
    if range_size is None:
        if stride is not None:
            raise ValueError(
                f'stride ({stride}) needs a range_size; None compares all.'
            )
        return
    whole = all(isinstance(v, int | np.integer) for v in (range_size, stride))
    if not whole or not 1 <= (stride or 0) <= range_size:
        raise ValueError(
            f'stride ({stride!r}) must be a whole number in [1, range_size = '
            f'{range_size!r}], and range_size one as well.'
        )


def _strips(
    count: int, range_size: int | None, stride: int | None, block: int
) -> list[tuple[int, int, int]]:
    """Return row strips and the end of what they are compared with.

    The last range that holds row i begins at the multiple of ``stride`` at
    or before i, so rows of one stride share one end and no pair comes twice.
    """
    step = count if range_size is None else stride or 1
    strips = []
    for origin in range(0, count, max(step, 1)):
        end = count if range_size is None else min(origin + range_size, count)
        strips += [
            (start, min(start + block, origin + step, count), end)
            for start in range(origin, min(origin + step, count), block)
        ]
    return strips


def _candidates(
    single: torch.Tensor, strip: tuple[int, int, int], delta: float
) -> tuple[np.ndarray, np.ndarray]:
    start, stop, end = strip
    firsts, seconds = [], []
    for begin in range(start, end, _COLUMNS):
        columns = single[begin : min(begin + _COLUMNS, end)]
        near = (single[start:stop] @ columns.T > 1 - delta).nonzero()
        i, j = near.cpu().numpy().T
        firsts.append(i + start)
        seconds.append(j + begin)
    return np.concatenate(firsts), np.concatenate(seconds)


def pair_distance(
    vectors: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """Return 1 - <vectors[first], vectors[second]>, ``(m,)`` float64."""
    out = np.empty(len(first))
    for start in range(0, len(first), 1 << 14):
        part = slice(start, start + (1 << 14))
        out[part] = 1 - np.einsum(
            'md,md->m',
            vectors[first[part]].astype(np.float64),
            vectors[second[part]].astype(np.float64),
        )
    return out


def nearest_other(
    vectors: np.ndarray, queries: np.ndarray | None = None
) -> np.ndarray:
    """Return the distances of vectors to their nearest other.

    Args:
        vectors: ``(n, D)`` unit vectors.
        queries: ``(q,)`` indices of the vectors to look at; all if None.

    Returns:
        ``(q,)`` float64. One vector alone has distance infinity.
    """
    if queries is None:
        queries = np.arange(len(vectors))
    if len(vectors) < 2:
        return np.full(len(queries), np.inf)
    single = np.ascontiguousarray(vectors, np.float32)
    index = faiss.IndexFlatIP(single.shape[1])
    index.add(single)
    _, found = index.search(single[queries], 2)
    # the vector itself comes first, unless another one equals it
    other = np.where(found[:, 0] == queries, found[:, 1], found[:, 0])
    return pair_distance(vectors, queries, other)
