"""Near pairs among many vectors without an N x N array."""

from collections.abc import Iterator

import numpy as np
import torch
from numba import prange

from mmcion.utils.checks import UserError
from mmcion.utils.neighbours import (
    dot_products,
    to_search_device,
    true_indices,
)
from mmcion.utils.rank_pool import RankPool

from .centroids import dot
from .compiled import compiled
from .consistency import TIE

# Cosines of float32 unit vectors, from a matrix product, err by less.
_FLOAT32_COSINE_ERROR = 1e-4
_ROWS, _COLUMNS = 1024, 8192  # of a product: 32 MiB of cosines
_MIN_ROWS = 256  # fewer are not worth a product of their own
_MAX_PAIRS = 200_000_000  # of a rank; they take 5 GB


def near_pairs(
    vectors: np.ndarray,
    delta: float,
    *,
    group: np.ndarray | None = None,
    same_group: bool = False,
    half_width: int | None = None,
    ranks: RankPool | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find pairs that are nearer than ``delta``.

    A float32 matrix product by blocks, on the GPU where there is one, finds
    candidates; their distances are then computed pair by pair in float64, so
    the result does not depend on the blocks. Every pair is compared once,
    which makes this faster than a range search over an index.

    Args:
        vectors: ``(n, D)`` unit vectors.
        delta: Distance, 1 - cosine, that is no longer near.
        group: ``(n,)`` groups 0..G-1; pairs within a group are skipped.
        same_group: Whether pairs of different groups are skipped instead;
            fast if the vectors of a group follow each other.
        half_width: Largest distance between the places of a pair, ``|i - j|``:
            CION's sliding range (Eq. 7). None compares all with all.
        ranks: How the work is shared and kept.

    Returns:
        First index, second index (larger), distance; each ``(m,)``, ordered
        by distance, then by indices.
    """
    count = len(vectors)
    # (n,) one past the last vector that each is compared with
    end = np.full(count, count)
    if half_width is not None:
        end = np.minimum(np.arange(count) + half_width + 1, count)
    if same_group:
        assert group is not None
        last = np.zeros(int(group.max(initial=-1)) + 1, np.int64)
        np.maximum.at(last, group, np.arange(count))
        end = np.minimum(end, last[group] + 1)
    # (start, stop, end): rows start:stop are compared with rows start:end. The
    # strips of a narrow range are short, or most of a block is beyond it.
    widest = int((end - np.arange(count)).max(initial=0))
    size = min(_ROWS, max(widest, _MIN_ROWS))
    starts = np.arange(0, max(count, 1), size)
    stops = np.minimum(starts + size, count)
    ends = [int(end[i : i + size].max(initial=0)) for i in starts]
    strips = list(zip(starts.tolist(), stops.tolist(), ends, strict=True))
    single = to_search_device(vectors, np.float32)
    num_found = 0

    def search(strip: tuple[int, int, int]) -> dict[str, np.ndarray]:
        parts = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
        limit = 1 - delta - _FLOAT32_COSINE_ERROR
        start, stop, last = strip
        for cosine, begin in _products(
            single, slice(start, stop), start, last
        ):
            index = true_indices(cosine > limit)
            first, second = np.divmod(index, cosine.shape[1])
            first, second = first + start, second + begin
            wanted = (first < second) & (second < end[first])
            if group is not None:
                same = group[first] == group[second]
                wanted &= same if same_group else ~same
            first, second = first[wanted], second[wanted]
            distance = pair_distance(vectors, first, second)
            near = distance < delta - TIE
            parts.append((first[near], second[near], distance[near]))
            nonlocal num_found
            num_found += int(near.sum())
            if num_found > _MAX_PAIRS:
                raise UserError(
                    f'more than {_MAX_PAIRS:,} pairs of {count:,} identities '
                    f'are nearer than delta ({delta:.3f}): it is too large '
                    f'for these features. Lower it or false_discovery_rate.'
                )
        columns = map(np.concatenate, zip(*parts, strict=True))
        names = 'first', 'second', 'distance'
        return dict(zip(names, columns, strict=True))

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


def count_near(
    vectors: np.ndarray, queries: np.ndarray, delta: float
) -> np.ndarray:
    """Count the other vectors that are nearer than ``delta`` to some.

    Args:
        vectors: ``(n, D)`` unit vectors.
        queries: ``(q,)`` indices of those whose neighbours are counted.
        delta: Distance, 1 - cosine, that is no longer near.

    Returns:
        ``(q,)`` int64 counts.
    """
    single = to_search_device(vectors, np.float32)
    counts = np.zeros(len(queries), np.int64)
    for start in range(0, len(queries), _ROWS):
        rows = queries[start : start + _ROWS]
        index = torch.from_numpy(rows)
        for cosine, begin in _products(single, index, 0, len(vectors)):
            counts[start : start + _ROWS] += _count_in_block(
                cosine.cpu().numpy(), vectors, rows, begin, float(delta)
            )
    # a vector is no other of its own
    return counts - (pair_distance(vectors, queries, queries) < delta - TIE)


@compiled(parallel=True)
def _count_in_block(
    cosine: np.ndarray,
    vectors: np.ndarray,
    rows: np.ndarray,
    begin: int,
    delta: float,
) -> np.ndarray:
    """Count what is near in ``(rows, columns)`` cosines of float32 vectors.

    Column j is vector ``begin + j``.
    """
    # Sums of D products of float32 numbers err by less; the pairs so near
    # the limit are decided in float64.
    error = (vectors.shape[1] + 4) * 2.0**-24
    high, low = np.float32(1 - delta + error), np.float32(1 - delta - error)
    counts = np.zeros(len(rows), np.int64)
    for i in prange(len(rows)):
        certain, possible = 0, 0
        for j in range(cosine.shape[1]):
            certain += cosine[i, j] > high
            possible += cosine[i, j] > low
        counts[i] = certain
        if possible > certain:
            for j in range(cosine.shape[1]):
                if low < cosine[i, j] <= high:
                    exact = dot(vectors[rows[i]], vectors[begin + j])
                    counts[i] += 1 - exact < delta - TIE
    return counts


def _products(
    single: torch.Tensor, rows: slice | torch.Tensor, begin: int, end: int
) -> Iterator[tuple[torch.Tensor, int]]:
    """Yield the cosines of rows and blocks of columns begin:end.

    Each is ``(rows, columns)``, with the index of its first column.
    """
    chosen = single[rows]
    for start in range(begin, end, _COLUMNS):
        columns = single[start : min(start + _COLUMNS, end)]
        yield dot_products(chosen, columns), start


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
