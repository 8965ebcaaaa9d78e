from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from mmcion.structures import ReIDFeatures, RetrievalResult
from mmcion.structures.columns import as_floats, check_finite
from mmcion.utils.checks import UserError

from .distances import (
    BLOCK,
    as_features,
    distance_blocks,
    normalize_rows,
    take_rows,
)
from .options import EvaluationOptions
from .protocols import Labels
from .query_expansion import alpha_query_expansion
from .ranking import Blocks, check_matches, rank_gallery
from .reranking import rerank_queries
from .roc import roc_of_split

_CURVE_RANKS = range(1, 51)  # of the CMC curve in a report, as papers plot


def evaluate(
    qf: Any,
    gf: Any,
    q_pids: Any,
    g_pids: Any,
    q_cams: Any = None,
    g_cams: Any = None,
    **options: Any,
) -> dict[str, float]:
    """Evaluate how well query features find their identities in a gallery.

    - Queries without a match do not count in the means; compare
      ``num_valid_queries`` with ``num_queries``.
    - A wrong image exactly as far as a match counts as before it.

    Args:
        qf: ``(Q, D)`` query features, array or tensor.
        gf: ``(G, D)`` gallery features.
        q_pids: ``(Q,)`` identities.
        g_pids: ``(G,)`` identities.
        q_cams: ``(Q,)`` cameras; without, no gallery images are ignored.
        g_cams: ``(G,)`` cameras.
        options: ``ranks``, ``ignore_pids``, ``distance`` and ``protocol``,
            see ``EvaluationOptions``.

    Returns:
        ``mAP``, ``mINP`` and ``Rank-1``, ... for all ranks, in [0, 1];
        ``num_queries`` (without junk), ``num_valid_queries`` (with a match)
        and ``num_tied_queries`` (a wrong image is exactly as far as a match).

    Raises:
        UserError: If features, labels or options are not usable, or no query
            has a match.
    """
    allowed = 'ranks', 'ignore_pids', 'distance', 'protocol'
    chosen = EvaluationOptions.from_options(options, allowed)
    qf, gf = as_features(qf, 'qf'), as_features(gf, 'gf')
    arrays = q_pids, g_pids, q_cams, g_cams
    labels = Labels.from_arrays(arrays, (len(qf), len(gf)))
    scores, _ = rank_gallery(feature_blocks(qf, gf, chosen), labels, chosen)
    return scores.means(chosen.ranks)


def evaluate_distances(
    distances: Any,
    q_pids: Any,
    g_pids: Any,
    q_cams: Any = None,
    g_cams: Any = None,
    **options: Any,
) -> dict[str, float]:
    """Evaluate distances of any origin, such as re-ranked ones.

    Args:
        distances: ``(Q, G)`` array or tensor; is not changed.
        q_pids: ``(Q,)`` identities.
        g_pids: ``(G,)`` identities.
        q_cams: ``(Q,)`` cameras.
        g_cams: ``(G,)`` cameras.
        options: Those of ``evaluate`` except ``distance``.

    Returns:
        The scores of ``evaluate``.
    """
    allowed = 'ranks', 'ignore_pids', 'protocol'
    chosen = EvaluationOptions.from_options(options, allowed)
    distances = as_floats('distances', distances)
    if distances.ndim != 2:
        raise UserError(f'distances must be (Q, G); got {distances.shape}.')
    check_finite('distances', distances)
    arrays = q_pids, g_pids, q_cams, g_cams
    labels = Labels.from_arrays(arrays, distances.shape)
    scores, _ = rank_gallery(matrix_blocks(distances), labels, chosen)
    return scores.means(chosen.ranks)


def evaluate_features(
    features: ReIDFeatures,
    options: EvaluationOptions | None = None,
    *,
    distributed: bool = False,
) -> RetrievalResult:
    """Rank the gallery for the queries and score the ranking.

    Args:
        features: Features of queries and gallery, the same on all ranks.
        options: How to evaluate; the defaults if None.
        distributed: Whether each rank of the process group ranks a part of
            the queries. All ranks get the whole result.
    """
    options = options or EvaluationOptions()
    # numbered as in their file, which queries and gallery are not
    as_features(features.feature, 'feature')
    if options.average_tracklets:
        features = features.tracklet_means()
    query, gallery = _rows_of_parts(features.pid, features.is_query, options)
    result = _rank_rows(features, query, gallery, options, distributed)
    if options.both_directions:
        reverse = _rank_rows(features, gallery, query, options, distributed)
        for name, value in reverse.scores.items():
            result.scores[f'reverse/{name}'] = value
    return result


def check_labels(
    pids: np.ndarray,
    cam_ids: np.ndarray,
    is_query: np.ndarray,
    options: EvaluationOptions,
) -> None:
    """Raise ``UserError`` if no query of these ``(N,)`` rows has a match."""
    parts = _rows_of_parts(pids, is_query, options)
    labels = _labels(pids, cam_ids, *parts, options)
    split, *_ = options.protocol.splits(labels, options.ignore_pids)
    check_matches(labels, split)


def _rows_of_parts(
    pids: np.ndarray, is_query: np.ndarray, options: EvaluationOptions
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of queries and gallery without junk.

    Junk must not take part in query expansion and re-ranking.
    """
    kept = ~np.isin(pids, options.ignore_pids)
    return np.flatnonzero(is_query & kept), np.flatnonzero(~is_query & kept)


def _labels(
    pids: np.ndarray,
    cam_ids: np.ndarray,
    query: np.ndarray,
    gallery: np.ndarray,
    options: EvaluationOptions,
) -> Labels:
    """Return labels of rows, with cameras if the options use them."""
    labels = Labels(pids[query], pids[gallery])
    if not options.camera_aware or (cam_ids == -1).all():
        return labels
    return labels._replace(q_cams=cam_ids[query], g_cams=cam_ids[gallery])


def _rank_rows(
    features: ReIDFeatures,
    query: np.ndarray,
    gallery: np.ndarray,
    options: EvaluationOptions,
    distributed: bool,
) -> RetrievalResult:
    """Evaluate rows ``query`` ``(Q,)`` for rows ``gallery`` ``(G,)``."""
    qf = as_features(take_rows(features.feature, query), 'qf')
    gf = as_features(take_rows(features.feature, gallery), 'gf')
    labels = _labels(features.pid, features.cam_id, query, gallery, options)
    curve_ranks = _CURVE_RANKS if options.keep_nearest else ()
    ranked, splits = rank_gallery(
        feature_blocks(qf, gf, options),
        labels,
        replace(options, ranks=(*options.ranks, *curve_ranks)),
        distributed=distributed,
    )
    scores = ranked.means(options.ranks)
    roc = None
    if options.fprs:
        # verification compares features, whatever the re-ranking
        blocks = feature_blocks(qf, gf, replace(options, rerank=None))
        pairs = blocks, labels
        curves = [roc_of_split(*pairs, each, distributed) for each in splits]
        roc = curves[0]
        for fpr in options.fprs:
            rates = [curve.tpr_at(fpr) for curve in curves]
            scores[f'TPR@FPR={fpr:g}'] = float(np.mean(rates))
    # nearest images are numbered within the gallery of the first split
    if splits[0].gallery is not None:
        gallery = gallery[splits[0].gallery]
    return RetrievalResult(
        features=features,
        scores=scores,
        query_rows=query,
        ap=ranked.ap,
        num_matches=ranked.num_matches,
        nearest=np.append(gallery, -1)[ranked.nearest],  # -1 stays -1
        distances=ranked.distances,
        cmc=ranked.cmc[len(options.ranks) :],
        roc=roc,
        unit='tracklet' if options.average_tracklets else 'image',
        remark=options.protocol.remark,
        options=replace(
            options, camera_aware=labels.q_cams is not None
        ).to_dict(),
    )


def feature_blocks(
    qf: np.ndarray, gf: np.ndarray, options: EvaluationOptions
) -> Blocks:
    """Return distances of features, expanded and re-ranked by the options."""

    def blocks(
        queries: np.ndarray, rows: np.ndarray | None
    ) -> Iterator[np.ndarray]:
        gallery = gf if rows is None else gf[rows]
        # re-ranking needs all queries as neighbours
        query = take_rows(qf, queries) if options.rerank is None else qf
        if options.query_expansion is not None:
            query = alpha_query_expansion(
                query, gallery, **options.query_expansion
            )
        if options.rerank is None:
            yield from distance_blocks(query, gallery, options.distance)
        elif len(queries):
            if options.distance == 'cosine':
                query, gallery = map(normalize_rows, (query, gallery))
            own = slice(queries[0], queries[-1] + 1)  # no junk: consecutive
            distances = rerank_queries(query, gallery, own, **options.rerank)
            yield from matrix_blocks(distances)(np.arange(len(queries)), None)

    return blocks


def matrix_blocks(distances: np.ndarray) -> Blocks:
    """Return blocks of a ``(Q, G)`` matrix, copied."""

    def blocks(
        queries: np.ndarray, rows: np.ndarray | None
    ) -> Iterator[np.ndarray]:
        for start in range(0, len(queries), BLOCK):
            block = distances[queries[start : start + BLOCK]]
            yield block if rows is None else block[:, rows]

    return blocks
