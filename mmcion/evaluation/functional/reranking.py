"""Re-rank a gallery by shared neighbours, in bounded memory.

No matrix over all pairs of images exists: distances are made a block of rows
at a time, and encodings are sparse.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from .distance import as_features, check_lengths
from .k_reciprocal import (
    expanded,
    jaccard_distance,
    mean_of_nearest,
    reciprocal,
)

VARIANTS = ('zhong', 'faiss')
_BLOCK_BYTES = 32 * 2**20


def rerank(
    qf: Any,
    gf: Any,
    k1: int = 20,
    k2: int = 6,
    lambda_value: float = 0.3,
    variant: str = 'zhong',
) -> np.ndarray:
    """Mix distances with how many nearest neighbours two images share.

    ``lambda_value * distance + (1 - lambda_value) * Jaccard distance`` of the
    k-reciprocal encodings; distances are squared Euclidean ones between the
    features as given, so normalise them for the cosine. Numbers of the two
    variants are not comparable:

    - ``'zhong'``: an image is compared with its ``k1`` nearest others.
      Distances are divided by the largest one of the image, and weights are
      ``exp(-distance)``.
    - ``'faiss'``: the image itself is one of the ``k1``. Distances are not
      scaled, and weights are their softmax.

    Of equally near images the first counts, queries before gallery.

    Args:
        qf: ``(Q, D)`` query features, array or tensor.
        gf: ``(G, D)`` gallery features.
        k1: neighbours that make the encoding.
        k2: neighbours, the image included, whose encodings are averaged; 1
            for none.
        lambda_value: share of the original distance, in [0, 1].
        variant: ``'zhong'`` or ``'faiss'``.

    Returns:
        ``(Q, G)`` float32.

    Raises:
        ValueError: if features are not finite, too long or differ in size,
            the gallery is empty, there are too few images for ``k1``, or an
            option is out of range.

    Source: Zhong et al., "Re-ranking person re-identification with
    k-reciprocal encoding", CVPR 2017, and its code (``'zhong'``); the code of
    OpenUnReID and Cluster Contrast (``'faiss'``).
    """
    return rerank_queries(
        qf,
        gf,
        k1=k1,
        k2=k2,
        lambda_value=lambda_value,
        variant=variant,
    )


def rerank_queries(
    qf: Any,
    gf: Any,
    queries: slice = slice(None),
    *,
    k1: int = 20,
    k2: int = 6,
    lambda_value: float = 0.3,
    variant: str = 'zhong',
) -> np.ndarray:
    """Return what ``rerank`` does, for some of the queries only.

    All images take part in the search for neighbours all the same.

    Args:
        qf: see ``rerank``, as all but ``queries``.
        gf: ``(G, D)`` gallery features.
        queries: a run of queries, step 1.
        k1: neighbours that make the encoding.
        k2: neighbours whose encodings are averaged.
        lambda_value: share of the original distance.
        variant: ``'zhong'`` or ``'faiss'``.

    Returns:
        ``(R, G)`` float32 for R queries.
    """
    images = _Images(as_features(qf, 'qf'), as_features(gf, 'gf'))
    check_rerank(k1, k2, lambda_value, variant)
    _check_images(images, k1)
    first, stop, _ = queries.indices(len(images.qf))
    result = np.empty((stop - first, len(images.gf)), np.float32)
    if not result.size:
        return result
    scaled = variant == 'zhong'
    neighbours, scale = _scan(
        images, k1 + scaled, lambda_value, scaled, first, result
    )
    weights = _encode(images, neighbours, k1, scale)
    if k2 > 1:
        weights = mean_of_nearest(weights, neighbours[:, :k2])
    columns = weights[len(images.qf) :].tocsc()
    for query, row in enumerate(result, start=first):
        row += (1 - lambda_value) * jaccard_distance(weights[query], columns)
    return result


class _Images:
    """Queries and gallery as one list of N images, without a copy."""

    def __init__(self, qf: np.ndarray, gf: np.ndarray) -> None:
        if qf.shape[1] != gf.shape[1]:
            raise ValueError(
                f'query and gallery features differ in size: {qf.shape[1]} '
                f'and {gf.shape[1]}; extract both with the same model.'
            )
        dtype = np.result_type(qf, gf)
        self.qf = qf.astype(dtype, copy=False)
        self.gf = gf.astype(dtype, copy=False)
        self.squares = np.concatenate(
            [np.einsum('nd,nd->n', f, f) for f in (self.qf, self.gf)]
        )
        check_lengths(np.sqrt(self.squares), dtype)

    def __len__(self) -> int:
        return len(self.squares)

    def distances(self, features: np.ndarray, first: int) -> np.ndarray:
        """Return distances of the images from ``first`` on to all, squared."""
        split, stop = len(self.qf), first + len(features)
        block = np.empty((len(features), len(self)), self.squares.dtype)
        np.matmul(features, self.qf.T, out=block[:, :split])
        np.matmul(features, self.gf.T, out=block[:, split:])
        block *= -2
        block += self.squares
        block += self.squares[first:stop, None]
        return np.maximum(block, 0, out=block)

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the first image and the distances of some images to all."""
        rows = max(1, _BLOCK_BYTES // (len(self) * self.squares.itemsize))
        for offset, part in ((0, self.qf), (len(self.qf), self.gf)):
            for start in range(0, len(part), rows):
                first = offset + start
                yield first, self.distances(part[start : start + rows], first)

    def to_some(self, image: int, others: np.ndarray) -> np.ndarray:
        """Return squared distances of one image to some, sorted by row."""
        split = len(self.qf)
        cut = int(np.searchsorted(others, split))
        query = image < split
        own = self.qf[image] if query else self.gf[image - split]
        dot = np.concatenate(
            [self.qf[others[:cut]] @ own, self.gf[others[cut:] - split] @ own]
        )
        found = self.squares[others] + self.squares[image] - 2 * dot
        return np.maximum(found, 0)


def check_rerank(k1: int, k2: int, lambda_value: float, variant: str) -> None:
    """Raise if options are out of range, whatever the images are.

    Raises:
        ValueError: says what is allowed.
    """
    if variant not in VARIANTS:
        raise ValueError(
            f'variant must be one of {VARIANTS}; got {variant!r}.'
        )
    if not 0 <= lambda_value <= 1:
        raise ValueError(
            f'lambda_value must be in [0, 1]; got {lambda_value}.'
        )
    if k1 < 1:
        raise ValueError(f'k1 must be at least 1; got {k1}.')
    if not 1 <= k2 <= k1:
        raise ValueError(f'k2 must be in [1, k1 = {k1}]; got {k2}.')


def _check_images(images: _Images, k1: int) -> None:
    if not len(images.gf):
        raise ValueError('the gallery (gf) is empty.')
    if k1 >= len(images):
        raise ValueError(
            f'k1 ({k1}) must be below the number of images, queries and '
            f'gallery together ({len(images)}).'
        )


def _nearest(block: np.ndarray, k: int) -> np.ndarray:
    """Return the columns of the ``k`` smallest values, equal ones in order."""
    limit = np.partition(block, k - 1, axis=1)[:, k - 1 : k]
    rows, columns = np.nonzero(block <= limit)  # more than k if some tie
    order = np.lexsort((block[rows, columns], rows))
    first = np.searchsorted(rows, np.arange(len(block)))
    return columns[order[first[:, None] + np.arange(k)]]


def _scan(
    images: _Images,
    k: int,
    lambda_value: float,
    scaled: bool,
    first_query: int,
    result: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Find neighbours, and write the distance's share into ``result``.

    ``result`` is that of the queries from ``first_query`` on.

    Returns:
        ``(N, k)`` int32 neighbours and ``(N,)`` largest distances; ones
        where distances are not to be scaled.
    """
    stop_query = first_query + len(result)
    neighbours = np.empty((len(images), k), np.int32)
    scale = np.ones(len(images), images.squares.dtype)
    for first, block in images.blocks():
        stop = first + len(block)
        neighbours[first:stop] = _nearest(block, k)
        if scaled:
            largest = block.max(axis=1)
            scale[first:stop] = np.where(largest > 0, largest, 1)
        low, high = max(first, first_query), min(stop, stop_query)
        if low < high:
            np.multiply(
                block[low - first : high - first, len(images.qf) :],
                (lambda_value / scale[low:high])[:, None],
                out=result[low - first_query : high - first_query],
            )
    return neighbours, scale


def _encode(
    images: _Images, neighbours: np.ndarray, k1: int, scale: np.ndarray
) -> csr_matrix:
    """Return ``(N, N)`` float32 encodings, weights of a row summing to 1."""
    half = round(k1 / 2) + 1  # halves to even, as np.around in the sources
    members = expanded(
        reciprocal(neighbours), reciprocal(neighbours[:, :half])
    )
    weights = np.empty(members.nnz, np.float32)
    for image in range(len(images)):
        own = slice(members.indptr[image], members.indptr[image + 1])
        if own.start < own.stop:
            found = images.to_some(image, members.indices[own]) / scale[image]
            weight = np.exp(found.min() - found)
            weights[own] = weight / weight.sum()
    return csr_matrix(
        (weights, members.indices, members.indptr), shape=members.shape
    )
