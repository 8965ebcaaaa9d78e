"""Rank a gallery for queries: mAP, mINP and CMC in bounded memory."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log

from ..protocols import GalleryRule, Labels, build_protocol
from .chunk_scores import score_chunks, score_queries
from .distance import as_distances, as_features
from .query_scores import (
    METRICS,
    RANKS,
    QueryScores,
    mean_scores,
    summarize,
)

_CHUNK_ROWS = 256


def evaluate(
    qf: Any,
    gf: Any,
    q_pids: Any,
    g_pids: Any,
    q_cams: Any = None,
    g_cams: Any = None,
    *,
    metrics: Sequence[str] = METRICS,
    ranks: Sequence[int] = RANKS,
    ignore_pids: Sequence[int] | int = (-1,),
    ties: str = 'mean',
    distance: str = 'cosine',
    protocol: Any = 'MarketProtocol',
) -> dict[str, float]:
    """Judge how well query features find their identities in a gallery.

    - Queries without a match are not in the means; compare
      ``num_valid_queries`` with ``num_queries``.
    - If no query has a match, all scores are 0 and a warning says why.
    - The order of gallery and queries changes nothing, ties included.

    Args:
        qf: ``(Q, D)`` query features, array or tensor; need not be
            normalised.
        gf: ``(G, D)`` gallery features.
        q_pids: ``(Q,)`` identities.
        g_pids: ``(G,)`` identities.
        q_cams: ``(Q,)`` cameras. Gallery images of the query's identity and
            camera are left out; without cameras there is no such rule.
        g_cams: ``(G,)`` cameras.
        metrics: which of ``'mAP'``, ``'mINP'`` and ``'cmc'``.
        ranks: the places that ``'cmc'`` is told for.
        ignore_pids: identities to leave out of queries and gallery.
        ties: how images at equal distance count: ``'mean'`` over all their
            orders, or ``'pessimistic'``, matches last.
        distance: ``'cosine'`` or ``'euclidean'``.
        protocol: of ``mmcion.evaluation.protocols``: name, config or object.

    Returns:
        ``mAP``, ``mINP`` and ``Rank-1``, ... for all ``ranks`` in [0, 1],
        ``num_queries`` (ignored ones not counted), ``num_valid_queries``
        (with a match) and ``num_tied_queries`` (a match ties with a wrong
        image, so that the choice of ``ties`` matters).

    Raises:
        ValueError: if features are not finite, rows do not fit, or an option
            is unknown.
    """
    _check_metrics(metrics)
    qf, gf = as_features(qf, 'qf'), as_features(gf, 'gf')
    labels = Labels.of(
        *(q_pids, g_pids, q_cams, g_cams),
        num_queries=len(qf),
        num_gallery=len(gf),
    )
    trials = build_protocol(protocol).trials(labels, ignore_pids)
    scores = mean_scores(
        [
            score_queries(
                qf,
                gf if rows is None else gf[rows],
                rule,
                distance=distance,
                ties=ties,
                ranks=ranks,
            )
            for rows, rule in trials
        ]
    )
    return report_scores(scores, trials[0].rule, metrics=metrics, ranks=ranks)


def evaluate_distances(
    distances: Any,
    q_pids: Any,
    g_pids: Any,
    q_cams: Any = None,
    g_cams: Any = None,
    *,
    metrics: Sequence[str] = METRICS,
    ranks: Sequence[int] = RANKS,
    ignore_pids: Sequence[int] | int = (-1,),
    ties: str = 'mean',
    protocol: Any = 'MarketProtocol',
) -> dict[str, float]:
    """Judge distances that are there already, such as re-ranked ones.

    Args:
        distances: ``(Q, G)`` array or tensor; stays as it is.
        q_pids: see ``evaluate``, as all that follows.
        g_pids: ``(G,)`` identities.
        q_cams: ``(Q,)`` cameras.
        g_cams: ``(G,)`` cameras.
        metrics: which of ``'mAP'``, ``'mINP'`` and ``'cmc'``.
        ranks: the places that ``'cmc'`` is told for.
        ignore_pids: identities to leave out of queries and gallery.
        ties: ``'mean'`` or ``'pessimistic'``.
        protocol: see ``evaluate``.

    Returns:
        What ``evaluate`` returns.

    Raises:
        ValueError: if distances are not finite, rows do not fit, or an
            option is unknown.
    """
    _check_metrics(metrics)
    distances = as_distances(distances)
    num_queries, num_gallery = distances.shape
    labels = Labels.of(
        *(q_pids, g_pids, q_cams, g_cams),
        num_queries=num_queries,
        num_gallery=num_gallery,
    )
    trials = build_protocol(protocol).trials(labels, ignore_pids)
    scores = mean_scores(
        [
            score_chunks(
                copied_chunks(distances, rule.query_rows, rows),
                rule,
                rule.query_rows,
                ties=ties,
                ranks=ranks,
            )
            for rows, rule in trials
        ]
    )
    return report_scores(scores, trials[0].rule, metrics=metrics, ranks=ranks)


def _check_metrics(metrics: Sequence[str]) -> None:
    unknown = set(metrics) - set(METRICS)
    if unknown:
        raise ValueError(
            f'metrics must be among {METRICS}; got {sorted(unknown)}.'
        )


def copied_chunks(
    distances: np.ndarray,
    queries: np.ndarray,
    gallery: np.ndarray | None = None,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield distances as ``score_chunks`` takes them.

    Args:
        distances: ``(Q, G)``, which stay as they are.
        queries: rows to yield.
        gallery: columns to yield, all if None.
    """
    for start in range(0, len(queries), _CHUNK_ROWS):
        chunk = distances[queries[start : start + _CHUNK_ROWS]]
        yield start, chunk if gallery is None else chunk[:, gallery]


def report_scores(
    scores: QueryScores,
    rule: GalleryRule,
    *,
    metrics: Sequence[str] = METRICS,
    ranks: Sequence[int] = RANKS,
) -> dict[str, float]:
    """Average scores, and warn with the reason if no query has a match."""
    if not (scores.num_matches > 0).any():
        print_log(
            f'no query has a match: {rule.why_no_match()}',
            logger='current',
            level=logging.WARNING,
        )
    return summarize(scores, metrics, ranks)
