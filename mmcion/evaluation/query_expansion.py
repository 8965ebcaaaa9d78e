from typing import Any

import numpy as np

from mmcion.utils.checks import check_at_least

from .distances import as_features, nearest_gallery, normalize_rows


def alpha_query_expansion(
    qf: Any, gf: Any, k: int, alpha: float = 3
) -> np.ndarray:
    """Add to every query its ``k`` nearest gallery images, by similarity.

    Features are normalised first. An image has the weight
    ``cosine ** alpha``, the query 1; a negative cosine counts as 0 (ours).

    Source: Radenovic et al., "Fine-tuning CNN image retrieval with no human
    annotation", TPAMI 2019, section 3.4; ``alpha=0`` is Chum et al., "Total
    recall", ICCV 2007, section 3.2.

    Args:
        qf: ``(Q, D)`` query features, array or tensor.
        gf: ``(G, D)`` gallery features.
        k: Number of gallery images per query; at most G are used.
        alpha: 0 weights all images equally: average query expansion.

    Returns:
        ``(Q, D)`` features of norm 1, float64 if either input is.
    """
    qf, gf = as_features(qf, 'qf'), as_features(gf, 'gf')
    check_expansion(k, alpha)
    result = normalize_rows(qf).astype(np.result_type(qf, gf), copy=False)
    if not len(gf):
        return result
    rows, distances = nearest_gallery(qf, gf, k)
    weights = np.maximum(1 - distances, 0) ** alpha
    # query by query: (Q, k, D) would not fit; (k,) @ (k, D) -> (D,)
    for query, (row, weight) in enumerate(zip(rows, weights, strict=True)):
        result[query] += weight @ normalize_rows(gf[row])
    return normalize_rows(result)


def check_expansion(k: int, alpha: float) -> None:
    """Raise if arguments of ``alpha_query_expansion`` are out of range."""
    check_at_least(1, k=k)
    check_at_least(0.0, alpha=alpha)
