"""Passes over groups of rows and their features, in chunks."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from mmcion.structures import FeatureStore
from mmcion.utils.rank_pool import RankPool

from .functional import add_rows, centroid_distance, normalise

CHUNK_ROWS = 1 << 15  # 32 MiB of features at D = 256
Arrays = dict[str, np.ndarray]


def cut(ptr: np.ndarray) -> list[tuple[int, int]]:
    """Cut G groups with pointers ``(G + 1,)`` into runs of groups.

    Returns:
        First group and one past the last group of every run.
    """
    # a run ends with the group that reaches CHUNK_ROWS
    runs, first = [], 0
    while first < len(ptr) - 1:
        last = int(np.searchsorted(ptr, ptr[first] + CHUNK_ROWS))
        last = min(last, len(ptr) - 1)
        runs.append((first, last))
        first = last
    return runs


def map_groups(
    ranks: RankPool,
    name: str,
    function: Callable[[int, int], Arrays],
    ptr: np.ndarray,
) -> Arrays:
    """Run a function over groups of rows in chunks, and join the results.

    Args:
        ranks: How the work is shared among ranks and kept.
        name: Name of this work.
        function: Gets the first group and one past the last group of a chunk
            and returns named arrays. Must be pure.
        ptr: ``(G + 1,)`` pointers of the groups.

    Returns:
        The arrays of all chunks, concatenated in the order of the groups.
    """
    runs = cut(ptr) or [(0, 0)]  # an empty chunk gives every array its type
    sizes = [ptr[last] - ptr[first] for first, last in runs]
    done = ranks.map(name, lambda run: function(*run), runs, sizes=sizes)
    return {
        key: np.concatenate([part[key] for part in done]) for key in done[0]
    }


def sum_features(
    features: FeatureStore,
    identity: np.ndarray,
    ranks: RankPool | None = None,
) -> np.ndarray:
    """Return the feature sums ``(K, D)`` float64 of identities 0..K-1."""

    def sum_part(part: tuple[int, int]) -> Arrays:
        rows = slice(*part)
        ids, local = np.unique(identity[rows], return_inverse=True)
        # If rows are unassigned, -1 is the first id: keep it at -1.
        ids, local = ids[ids >= 0], local - np.count_nonzero(ids < 0)
        sums = np.zeros((len(ids), features.dim))
        add_rows(sums, features[rows], local)
        return {'ids': ids, 'sums': sums}

    # Sums are exact (see FeatureStore), so they do not depend on the rows
    # that are read together.
    sums = np.zeros((int(identity.max(initial=-1)) + 1, features.dim))
    parts = list(pairwise(_even_ptr(len(identity)).tolist()))
    sizes = [stop - start for start, stop in parts]
    pool = ranks or RankPool()
    for done in pool.map('sums', sum_part, parts, sizes=sizes, keep=False):
        sums[done['ids']] += done['sums']
    return sums


def add_features(
    sums: np.ndarray, features: FeatureStore, rows: np.ndarray, ids: np.ndarray
) -> None:
    """Add ``(m,)`` rows to the sums ``(K, D)`` of these identities."""
    for start in range(0, len(rows), CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        add_rows(sums, features[rows[part]], ids[part])


def own_distance(
    features: FeatureStore, centroids: np.ndarray, identity: np.ndarray
) -> np.ndarray:
    """Return rows' distances to their own centroid, NaN if unassigned."""
    ptr = _even_ptr(len(identity))

    def measure(first: int, last: int) -> Arrays:
        rows = slice(ptr[first], ptr[last])
        distance = centroid_distance(features[rows], centroids, identity[rows])
        return {'distance': distance}

    return map_groups(RankPool(), 'distances', measure, ptr)['distance']


def sums_and_distances(
    features: FeatureStore, identity: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return what ``sum_features`` and then ``own_distance`` do.

    Identities must be numbered by their first row. Before they span videos,
    a chunk holds all rows of its identities: then one reading is enough.
    """
    num_rows = len(identity)
    rows = np.flatnonzero(identity >= 0)
    last_row = np.zeros(int(identity.max(initial=-1)) + 1, np.int64)
    last_row[identity[rows]] = rows  # of several writes the last one stays
    reach = np.arange(num_rows)
    reach[rows] = last_row[identity[rows]]
    # groups of consecutive rows that share no identity with others
    closed = np.maximum.accumulate(reach) == np.arange(num_rows)
    ptr = np.append(0, np.flatnonzero(closed) + 1)
    if np.diff(ptr).max(initial=0) > CHUNK_ROWS:
        sums = sum_features(features, identity)
        return sums, own_distance(features, normalise(sums), identity)

    def measure(first: int, last: int) -> Arrays:
        ids = identity[ptr[first] : ptr[last]]
        # the identities of a chunk have consecutive numbers
        least = ids[ids >= 0].min(initial=len(last_row))
        local = np.maximum(ids - least, -1)
        feats = features[ptr[first] : ptr[last]]
        sums = np.zeros((int(local.max(initial=-1)) + 1, features.dim))
        add_rows(sums, feats, local)
        distance = centroid_distance(feats, normalise(sums), local)
        return {'sums': sums, 'distance': distance}

    done = map_groups(RankPool(), 'distances', measure, ptr)
    return done['sums'], done['distance']


def _even_ptr(num_rows: int) -> np.ndarray:
    """Return pointers of groups of ``CHUNK_ROWS`` consecutive rows."""
    return np.append(np.arange(0, num_rows, CHUNK_ROWS), num_rows)
