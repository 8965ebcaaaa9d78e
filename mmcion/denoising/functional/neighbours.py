"""Near pairs among many vectors without an N x N array."""

import faiss
import numpy as np
import torch
from mmengine.device import get_device

from mmcion.utils.checks import UserError
from mmcion.utils.rank_pool import RankPool

# Cosines of float32 unit vectors, from a matrix product, err by less.
_FLOAT32_COSINE_ERROR = 1e-4
_ROWS, _COLUMNS = 1024, 8192  # of a product: 32 MiB of cosines
_MAX_PAIRS = 200_000_000  # of a rank; they take 5 GB


def near_pairs(
    vectors: np.ndarray,
    delta: float,
    *,
    group: np.ndarray,
    range_size: int | None = None,
    stride: int | None = None,
    ranks: RankPool | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find pairs of different groups that are nearer than ``delta``.

    A float32 matrix product by blocks, on the GPU where there is one, finds
    candidates; their distances are then computed pair by pair in float64, so
    the result does not depend on the blocks. Every pair is compared once,
    which makes this faster than a range search over an index.

    Args:
        vectors: ``(n, D)`` unit vectors.
        delta: Largest distance, 1 - cosine.
        group: ``(n,)`` groups; pairs within a group are skipped.
        range_size: Number of vectors in the sliding range in which pairs are
            compared; None compares all with all.
        stride: How far the range moves, in [1, ``range_size``].
        ranks: How the work is shared and kept.

    Returns:
        First index, second index (larger), distance; each ``(m,)``, ordered
        by distance, then by indices.
    """
    count = len(vectors)
    if not count:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    if range_size is None:
        range_size = stride = count  # one range over everything
    assert stride is not None and 1 <= stride <= range_size
    # (start, stop, end): rows start:stop are compared with rows start:end.
    # The last range that holds row i begins at the multiple of ``stride`` at
    # or before i. So rows of one stride share one end, and no pair comes
    # twice.
    strips = []
    for origin in range(0, count, stride):
        last = min(origin + stride, count)
        end = min(origin + range_size, count)
        for start in range(origin, last, _ROWS):
            strips.append((start, min(start + _ROWS, last), end))
    single = torch.from_numpy(np.asarray(vectors, np.float32))
    single = single.to(get_device())
    num_found = 0

    def search(strip: tuple[int, int, int]) -> dict[str, np.ndarray]:
        first, second = _candidates(single, *strip, delta)
        wanted = (first < second) & (group[first] != group[second])
        first, second = first[wanted], second[wanted]
        distance = pair_distance(vectors, first, second)
        near = distance < delta
        nonlocal num_found
        num_found += int(near.sum())
        if num_found > _MAX_PAIRS:
            raise UserError(
                f'more than {_MAX_PAIRS:,} pairs of {count:,} identities are '
                f'nearer than delta ({delta:.3f}): it is too large for these '
                f'features. Lower it or false_discovery_rate.'
            )
        columns = {'first': first, 'second': second, 'distance': distance}
        return {name: column[near] for name, column in columns.items()}

    parts = (ranks or RankPool()).map(
        'links',
        search,
        strips,
        sizes=[(stop - start) * (end - start) for start, stop, end in strips],
        unit='pair',
    )
    first, second, distance = (
        np.concatenate([part[name] for part in parts]) for name in parts[0]
    )
    # a total order, so the order of the strips does not matter
    order = np.lexsort((second, first, distance))
    return first[order], second[order], distance[order]


def _candidates(
    single: torch.Tensor, start: int, stop: int, end: int, delta: float
) -> tuple[np.ndarray, np.ndarray]:
    """Find pairs of rows start:stop and start:end that may be near enough.

    Returns:
        First and second index, ``(c,)`` each, in any order.
    """
    firsts, seconds = [], []
    for begin in range(start, end, _COLUMNS):
        columns = single[begin : min(begin + _COLUMNS, end)]
        cosine = single[start:stop] @ columns.T  # (rows, columns)
        near = (cosine > 1 - delta - _FLOAT32_COSINE_ERROR).nonzero()
        i, j = near.cpu().numpy().T
        firsts.append(i + start)
        seconds.append(j + begin)
    return np.concatenate(firsts), np.concatenate(seconds)


def pair_distance(
    vectors: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """Return 1 - <vectors[first], vectors[second]>, ``(m,)`` float64."""
    out = np.empty(len(first))
    block = 1 << 14  # pairs whose vectors are copied at a time
    for start in range(0, len(first), block):
        part = slice(start, start + block)
        out[part] = 1 - np.einsum(
            'md,md->m',
            vectors[first[part]].astype(np.float64),
            vectors[second[part]].astype(np.float64),
        )
    return out


def nearest_other(vectors: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Return the distances ``(q,)`` of some vectors to their nearest other.

    ``queries`` are their ``(q,)`` indices. One vector alone has infinity.
    """
    if len(vectors) < 2:
        return np.full(len(queries), np.inf)
    single = np.ascontiguousarray(vectors, np.float32)
    index = faiss.IndexFlatIP(single.shape[1])
    index.add(single)
    _, found = index.search(single[queries], 2)  # (q, 2)
    # the vector itself comes first, unless another one equals it
    other = np.where(found[:, 0] == queries, found[:, 1], found[:, 0])
    return pair_distance(vectors, queries, other)
