"""Evaluate labelled features as a test asks for, on one rank or many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mmcion.structures import NO_TRACKLET, ReIDFeatures, RetrievalResult
from mmcion.utils.rank_share import RankShare

from ..protocols import GalleryRule, Labels, as_list
from .chunk_scores import score_chunks, score_queries
from .distance import as_features, unit_rows
from .evaluation_options import EvaluationOptions
from .query_expansion import alpha_query_expansion
from .query_scores import QueryScores, mean_scores
from .ranking import copied_chunks, report_scores
from .reranking import rerank_queries
from .roc import roc_of_rule

_CURVE = 50  # places of the CMC curve of a report
REVERSE = 'reverse'


def evaluate_features(
    features: ReIDFeatures,
    options: EvaluationOptions | None = None,
    share: RankShare | None = None,
) -> RetrievalResult:
    """Rank the gallery for the queries, and judge the order.

    Images of ignored identities take no part in query expansion and
    re-ranking.

    Args:
        features: of queries and gallery; the same on all ranks.
        options: the defaults if None.
        share: each rank ranks its part of the queries, and all get all
            results.

    Raises:
        ValueError: if features are not finite, labels lack what the options
            ask for, or an option is unknown.
    """
    options = options or EvaluationOptions()
    share = share or RankShare()
    if options.average_tracklets:
        features = _tracklets(features)
    result = _evaluate(features, options, share)
    if options.both_directions:
        features = replace(features, is_query=~features.is_query)
        reverse = _evaluate(features, options, share)
        result.scores |= {
            f'{REVERSE}/{name}': value
            for name, value in reverse.scores.items()
        }
    return result


def _tracklets(features: ReIDFeatures) -> ReIDFeatures:
    alone = np.flatnonzero(features.tracklet_id == NO_TRACKLET)
    if len(alone):
        raise ValueError(
            f'{len(alone)} of {len(features)} images are of no tracklet, '
            f'such as {features.img_path[alone[0]]}; average_tracklets is '
            f'for data sets that give a tracklet_id, as MARS does.'
        )
    return features.tracklet_means()


def _evaluate(
    features: ReIDFeatures, options: EvaluationOptions, share: RankShare
) -> RetrievalResult:
    """Evaluate one direction."""
    queries, gallery = _split(features, options)
    qf = as_features(features.feature[queries], 'qf')
    gf = as_features(features.feature[gallery], 'gf')
    trials = options.protocol.trials(
        _labels(features, queries, gallery, options), options.ignore_pids
    )
    scores, curves = [], []
    for rows, rule in trials:
        drawn = gf if rows is None else gf[rows]
        asking = qf
        if options.query_expansion is not None:  # alike on all ranks
            asking = alpha_query_expansion(
                qf, drawn, **options.query_expansion
            )
        scores.append(_scores(asking, drawn, rule, options, share))
        if options.fprs:
            curves.append(
                roc_of_rule(asking, drawn, rule, options.distance, share)
            )
    mean = mean_scores(scores)
    first_rows, rule = trials[0]
    in_gallery = gallery if first_rows is None else gallery[first_rows]
    asked = rule.query_rows
    nearest = mean.nearest[asked]
    return RetrievalResult(
        features=features,
        scores={
            **report_scores(mean, rule, ranks=options.ranks),
            **{
                f'TPR@FPR={fpr:g}': float(
                    np.mean([curve.tpr_at(fpr) for curve in curves])
                )
                for fpr in options.fprs
            },
        },
        query_rows=queries[asked],
        ap=mean.ap[asked],
        num_matches=mean.num_matches[asked],
        nearest=np.append(in_gallery, -1)[nearest],
        distances=mean.distances[asked],
        cmc=_cmc_curve(mean),
        roc=vars(curves[0]) if curves else {},
        unit='tracklet' if options.average_tracklets else 'image',
        remark=options.protocol.remark,
    )


def _split(
    features: ReIDFeatures, options: EvaluationOptions
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of queries and gallery."""
    kept = np.ones(len(features), bool)
    if options.query_expansion is not None or options.rerank is not None:
        kept = ~np.isin(features.pid, as_list(options.ignore_pids))
    return (
        np.flatnonzero(features.is_query & kept),
        np.flatnonzero(~features.is_query & kept),
    )


def _labels(
    features: ReIDFeatures,
    queries: np.ndarray,
    gallery: np.ndarray,
    options: EvaluationOptions,
) -> Labels:
    labels = Labels(features.pid[queries], features.pid[gallery])
    known = (features.cam_id[np.append(queries, gallery)] >= 0).any()
    if not options.camera_aware or not known:
        return labels
    return labels._replace(
        q_cams=features.cam_id[queries], g_cams=features.cam_id[gallery]
    )


def _scores(
    qf: np.ndarray,
    gf: np.ndarray,
    rule: GalleryRule,
    options: EvaluationOptions,
    share: RankShare,
) -> QueryScores:
    """Score the queries of this rank, and fetch those of the others."""
    ranks = tuple(options.ranks)
    if options.keep_nearest:
        ranks = tuple(sorted({*ranks, *range(1, _CURVE + 1)}))
    how: dict[str, Any] = {
        'ties': options.ties,
        'ranks': ranks,
        'keep': options.keep_nearest,
    }
    own = share.part(rule.query_rows)
    if options.rerank is None:
        scores = score_queries(
            qf, gf, rule, distance=options.distance, queries=own, **how
        )
    else:
        distances = _reranked(qf, gf, own, options)
        chunks = copied_chunks(distances, np.arange(len(own)))
        scores = score_chunks(chunks, rule, own, **how)
    return scores.gathered(share, rule.query_rows, own)


def _reranked(
    qf: np.ndarray,
    gf: np.ndarray,
    own: np.ndarray,
    options: EvaluationOptions,
) -> np.ndarray:
    """Return ``(R, G)`` re-ranked distances of this rank's R queries."""
    if options.distance == 'cosine':
        qf, gf = unit_rows(qf), unit_rows(gf)
    # nobody is ignored here, so that queries are a run
    run = slice(own[0], own[-1] + 1) if len(own) else slice(0, 0)
    return rerank_queries(qf, gf, run, **dict(options.rerank or {}))


def _cmc_curve(scores: QueryScores) -> np.ndarray:
    """Return ``(R,)`` CMC of the places 1..R that were looked at."""
    valid = scores.num_matches > 0
    places = np.array(scores.ranks)
    run = places == np.arange(1, len(places) + 1)
    return scores.hits[valid][:, run].sum(axis=0) / max(valid.sum(), 1)
