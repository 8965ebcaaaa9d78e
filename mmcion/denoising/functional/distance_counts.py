import numpy as np
import torch

from mmcion.utils.neighbours import dot_products, to_search_device
from mmcion.utils.rank_pool import RankPool

# Bins of cosine distances, narrow enough for an edge to be a threshold.
DISTANCE_EDGES = np.linspace(0, 2, 8193)
_ROWS, _COLUMNS = 1024, 8192  # of a product: 32 MiB of distances
_MAX_PAIRS = 1 << 25  # all pairs of 8,192 vectors: a second on two cores


def count_distances(
    vectors: np.ndarray, group: np.ndarray, ranks: RankPool | None = None
) -> tuple[np.ndarray, bool]:
    """Count the pairs of different groups by distance.

    If there are very many, evenly spread vectors are compared with all.

    Args:
        vectors: ``(n, D)`` unit vectors.
        group: ``(n,)`` groups; pairs within a group are skipped.
        ranks: How the work is shared among ranks.

    Returns:
        Ordered pairs in each bin of ``DISTANCE_EDGES``, ``(8192,)`` int64,
        and whether every vector was compared with all.
    """
    count = len(vectors)
    single = to_search_device(vectors, np.float32)
    groups = to_search_device(group, np.int64)
    num_queries = min(count, max(2 * _MAX_PAIRS // max(count, 1), 1))
    queries = np.linspace(0, count - 1, num_queries).round().astype(np.int64)
    bins = len(DISTANCE_EDGES) - 1

    def count_part(start: int) -> dict[str, np.ndarray]:
        rows = to_search_device(queries[start : start + _ROWS])
        found = torch.zeros(bins, dtype=torch.int64, device=rows.device)
        for begin in range(0, count, _COLUMNS):
            part = slice(begin, begin + _COLUMNS)
            # (rows, columns)
            distance = 1 - dot_products(single[rows], single[part])
            other = groups[rows, None] != groups[None, part]
            # 1 - cosine may be a little outside of [0, 2]
            index = (distance[other] * (bins / 2)).long().clamp_(0, bins - 1)
            found += torch.bincount(index, minlength=bins)
        return {'found': found.cpu().numpy()}

    starts = list(range(0, num_queries, _ROWS))
    sizes = [min(_ROWS, num_queries - start) * count for start in starts]
    pool = ranks or RankPool()
    parts = pool.map(
        'distances', count_part, starts, sizes=sizes, unit='pair', keep=False
    )
    found = np.zeros(bins, np.int64)
    for part in parts:
        found += part['found']
    return found, num_queries == count
