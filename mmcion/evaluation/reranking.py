"""k-reciprocal re-ranking with bounded memory.

No ``(N, N)`` matrix exists: distances are computed for a block of rows at a
time, and encodings are sparse.

Shapes: N images, the Q queries followed by the G gallery images; K nearest
neighbours of each, itself included.

Source: Zhong et al., "Re-ranking person re-identification with k-reciprocal
encoding", CVPR 2017; sections and equations below are of this paper.
"""

from typing import Any

import numpy as np

from mmcion.utils.checks import (
    UserError,
    check_at_least,
    check_choice,
    check_interval,
)
from mmcion.utils.neighbours import nearest_columns

from .distances import as_features
from .k_reciprocal import Images, encode, jaccard_distance, mean_of_nearest

VARIANTS = ('zhong', 'faiss')


def rerank(
    qf: Any,
    gf: Any,
    k1: int = 20,
    k2: int = 6,
    lambda_value: float = 0.3,
    variant: str = 'zhong',
) -> np.ndarray:
    """Mix distances with the fraction of neighbours that two images share.

    ``lambda_value * distance + (1 - lambda_value) * Jaccard distance`` of the
    k-reciprocal encodings (equation 12). Distances are squared Euclidean
    between the features as given; normalise them to re-rank by cosine. The
    scores of the two variants are not comparable:

    - ``'zhong'``: an image has ``k1`` neighbours besides itself. Its
      distances are divided by the largest one; weights are
      ``exp(-distance)``.
    - ``'faiss'``: the image itself is one of its ``k1`` neighbours. Distances
      are not scaled; weights are their softmax.

    Of equally near images the first is taken, queries before gallery.

    Args:
        qf: ``(Q, D)`` query features, array or tensor.
        gf: ``(G, D)`` gallery features.
        k1: Number of neighbours in the encoding.
        k2: Number of neighbours, the image included, whose encodings are
            averaged; 1 for no averaging.
        lambda_value: Weight of the original distance, in [0, 1].
        variant: ``'zhong'`` or ``'faiss'``.

    Returns:
        ``(Q, G)`` float32.

    Raises:
        UserError: If there are at most ``k1`` images.

    Source: Code of the paper (``'zhong'``); code of OpenUnReID and Cluster
    Contrast (``'faiss'``).
    """
    everyone = slice(None)
    return rerank_queries(qf, gf, everyone, k1, k2, lambda_value, variant)


def rerank_queries(
    qf: Any,
    gf: Any,
    queries: slice,
    k1: int,
    k2: int,
    lambda_value: float,
    variant: str,
) -> np.ndarray:
    """Re-rank for R consecutive queries; all images serve as neighbours.

    Returns:
        ``(R, G)`` float32; see ``rerank`` for the options.
    """
    check_rerank(k1, k2, lambda_value, variant)
    images = Images(as_features(qf, 'qf'), as_features(gf, 'gf'))
    if not len(images.gf) or k1 >= len(images):
        raise UserError(
            f'k1 must be below the number of images; got {k1} with '
            f'{len(images.qf)} queries (qf), {len(images.gf)} in gallery (gf).'
        )
    own_first, own_stop, _ = queries.indices(len(images.qf))
    result = np.empty((own_stop - own_first, len(images.gf)), np.float32)
    if not len(result):
        return result
    is_scaled = variant == 'zhong'
    # first pass over all distances: neighbours, and lambda * distance
    k = k1 + is_scaled
    neighbours_NK = np.empty((len(images), k), np.int32)
    scale = np.ones(len(images), images.squares.dtype)
    for first, block in images.blocks():
        stop = first + len(block)
        neighbours_NK[first:stop] = nearest_columns(block, k).cpu().numpy()
        if is_scaled:
            largest = block.amax(1).cpu().numpy()
            scale[first:stop] = np.where(largest > 0, largest, 1)
        low, high = max(first, own_first), min(stop, own_stop)
        if low < high:
            own = block[low - first : high - first, len(images.qf) :]
            np.multiply(
                own.cpu().numpy(),
                (lambda_value / scale[low:high])[:, None],
                out=result[low - own_first : high - own_first],
            )
    weights_NN = encode(images, neighbours_NK, k1, scale)
    if k2 > 1:
        weights_NN = mean_of_nearest(weights_NN, neighbours_NK[:, :k2])
    # columns: only images that share a neighbour with the query are visited
    gallery_GN = weights_NN[len(images.qf) :].tocsc()
    for query, row in enumerate(result, start=own_first):
        row += (1 - lambda_value) * jaccard_distance(
            weights_NN[query], gallery_GN
        )
    return result


def check_rerank(k1: int, k2: int, lambda_value: float, variant: str) -> None:
    """Raise if arguments of ``rerank`` are out of range."""
    check_choice('variant', variant, VARIANTS)
    check_interval('[0, 1]', lambda_value=lambda_value)
    check_at_least(1, k1=k1, k2=k2)
    check_interval(f'[1, {k1}]', k2=k2)  # at most k1
