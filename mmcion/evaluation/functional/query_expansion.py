"""Replace a feature by a mean over its nearest gallery images."""

from typing import Any

import numpy as np

from .distance import as_features, unit_rows
from .retrieval import nearest_gallery


def average_query_expansion(qf: Any, gf: Any, k: int) -> np.ndarray:
    """Average every query with its ``k`` nearest gallery images.

    All are normalised first, so each counts the same.

    Source: Chum et al., "Total recall: automatic query expansion with a
    generative feature model for object retrieval", ICCV 2007, section 3.2.

    Args:
        qf: ``(Q, D)`` query features, array or tensor.
        gf: ``(G, D)`` gallery features.
        k: gallery images per query; at most G are used.

    Returns:
        ``(Q, D)`` features of length 1, float64 if one side is.

    Raises:
        ValueError: if features are not finite or differ in size, or ``k`` is
            negative.
    """
    return alpha_query_expansion(qf, gf, k, alpha=0)


def alpha_query_expansion(
    qf: Any, gf: Any, k: int, alpha: float = 3
) -> np.ndarray:
    """Add to every query its ``k`` nearest gallery images, near ones most.

    All are normalised first; an image has the weight ``cosine ** alpha``,
    the query 1. A negative cosine counts as 0 (ours).

    Source: Radenovic et al., "Fine-tuning CNN image retrieval with no human
    annotation", TPAMI 2019, section 3.4.

    Args:
        qf: ``(Q, D)`` query features, array or tensor.
        gf: ``(G, D)`` gallery features.
        k: gallery images per query; at most G are used.
        alpha: 0 weighs all alike, which is ``average_query_expansion``.

    Returns:
        ``(Q, D)`` features of length 1, float64 if one side is.

    Raises:
        ValueError: if features are not finite or differ in size, or ``k`` or
            ``alpha`` is negative.
    """
    qf, gf = as_features(qf, 'qf'), as_features(gf, 'gf')
    check_expansion(k, alpha)
    result = unit_rows(qf).astype(np.result_type(qf, gf), copy=False)
    if not k or not len(gf):
        return result
    rows, distances = nearest_gallery(qf, gf, k)
    weights = np.maximum(1 - distances, 0) ** alpha
    for query, (row, weight) in enumerate(zip(rows, weights, strict=True)):
        result[query] += weight @ unit_rows(gf[row])
    return unit_rows(result)


def check_expansion(k: int, alpha: float) -> None:
    """Raise if options are out of range.

    Raises:
        ValueError: says which.
    """
    if k < 0:
        raise ValueError(f'k must not be negative; got {k}.')
    if not alpha >= 0:
        raise ValueError(f'alpha must not be negative; got {alpha}.')
