"""Find the nearest gallery images of every query, for pictures and apps."""

from typing import Any

import numpy as np

from .distance import as_features, distance_chunks


def nearest_gallery(
    qf: Any, gf: Any, k: int, *, distance: str = 'cosine'
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ``k`` nearest gallery rows of every query.

    Args:
        qf: ``(Q, D)`` query features.
        gf: ``(G, D)`` gallery features.
        k: how many; at most G come back.
        distance: ``'cosine'`` or ``'euclidean'``.

    Returns:
        ``(Q, k)`` int64 gallery rows and ``(Q, k)`` distances, nearest
        first. Of equal distances inside the result the lower row is first.

    Raises:
        ValueError: if ``k`` is not positive or features are not finite.
    """
    if k < 1:
        raise ValueError(f'k must be at least 1; got {k}.')
    qf, gf = as_features(qf, 'qf'), as_features(gf, 'gf')
    k = min(k, len(gf))
    rows = np.zeros((len(qf), k), np.int64)
    distances = np.zeros((len(qf), k), np.result_type(qf, gf))
    if not k:
        return rows, distances
    for start, chunk in distance_chunks(qf, gf, distance=distance):
        near, found = smallest_columns(chunk, k)
        stop = start + len(chunk)
        rows[start:stop], distances[start:stop] = near, found
    if distance == 'euclidean':
        np.sqrt(np.maximum(distances, 0), out=distances)
    return rows, distances


def smallest_columns(
    block: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return columns and values of the ``k`` smallest of every row.

    Args:
        block: ``(B, G)`` numbers.
        k: at most G.

    Returns:
        ``(B, k)`` int64 and ``(B, k)``, smallest first; of equal values
        inside the result the lower column is first.
    """
    columns = np.argpartition(block, k - 1, axis=1)[:, :k]
    columns.sort(axis=1)
    values = np.take_along_axis(block, columns, axis=1)
    order = np.argsort(values, axis=1, kind='stable')
    return (
        np.take_along_axis(columns, order, axis=1),
        np.take_along_axis(values, order, axis=1),
    )
