"""Near pairs among many vectors without an N x N array."""

from collections.abc import Iterator

import numpy as np

_SLACK = 1e-4  # float32 products may err by less than this


def near_pairs(
    vectors: np.ndarray,
    delta: float,
    *,
    group: np.ndarray,
    range_size: int | None = None,
    stride: int | None = None,
    block: int = 1024,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find pairs of different groups that are nearer than ``delta``.

    A float32 matrix product by blocks finds candidates; their distances are
    then computed pair by pair in float64, so the result does not depend on
    ``block``.

    Args:
        vectors: ``(n, D)`` unit vectors.
        delta: distances below it count, 1 - cosine.
        group: ``(n,)``; pairs within a group are left out.
        range_size: only pairs that lie in a common sliding range of this
            many vectors; None compares all with all.
        stride: how far the range moves, in [1, ``range_size``].
        block: vectors on one side of a product.

    Returns:
        First index, second index (larger), distance; each ``(m,)``, ordered
        by distance, then by indices.

    Raises:
        ValueError: if ``stride`` does not fit ``range_size``.
    """
    if range_size is not None and not 1 <= (stride or 0) <= range_size:
        raise ValueError(
            f'stride ({stride}) must lie in [1, range_size = {range_size}].'
        )
    single = np.ascontiguousarray(vectors, np.float32)
    firsts, seconds = [], []
    for start, stop, end in _strips(len(vectors), range_size, stride, block):
        for begin in range(start, end, block):
            far = (
                1
                - single[start:stop]
                @ single[begin : min(begin + block, end)].T
            )
            i, j = np.nonzero(far < delta + _SLACK)
            i, j = i + start, j + begin
            wanted = (i < j) & (group[i] != group[j])
            firsts.append(i[wanted])
            seconds.append(j[wanted])
    first = np.concatenate(firsts) if firsts else np.zeros(0, np.int64)
    second = np.concatenate(seconds) if seconds else np.zeros(0, np.int64)
    distance = pair_distance(vectors, first, second)
    near = distance < delta
    first, second, distance = first[near], second[near], distance[near]
    order = np.lexsort((second, first, distance))
    return first[order], second[order], distance[order]


def _strips(
    count: int, range_size: int | None, stride: int | None, block: int
) -> Iterator[tuple[int, int, int]]:
    """Yield row strips and the end of what they are compared with.

    The last range that holds row i begins at the multiple of ``stride`` at
    or before i, so rows of one stride share one end and no pair comes twice.
    """
    step = count if range_size is None else stride or 1
    for origin in range(0, count, max(step, 1)):
        end = count if range_size is None else min(origin + range_size, count)
        for start in range(origin, min(origin + step, count), block):
            yield start, min(start + block, origin + step, count), end


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


def nearest_other(vectors: np.ndarray, block: int = 1024) -> np.ndarray:
    """Return every vector's distance to its nearest other, ``(n,)``.

    One vector alone has distance infinity. float32 precision.
    """
    single = np.ascontiguousarray(vectors, np.float32)
    out = np.full(len(single), np.inf, np.float32)
    for start in range(0, len(single), block):
        rows = np.arange(start, min(start + block, len(single)))
        for begin in range(0, len(single), block):
            far = 1 - single[rows] @ single[begin : begin + block].T
            inside = (rows >= begin) & (rows < begin + far.shape[1])
            far[np.flatnonzero(inside), rows[inside] - begin] = np.inf
            out[rows] = np.minimum(out[rows], far.min(1))
    return out
