"""Rank a gallery for queries: mAP, mINP and CMC in bounded memory.

Every number is a count of gallery images nearer than a match, so no order of
indices is ever built: a chunk of distances is sorted in place as plain
values, and the matches are looked up in it.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmengine.logging import print_log

from .distance import as_features, distance_chunks, distance_resolution
from .protocol import MarketProtocol
from .tie_scores import (
    TieGroups,
    harmonic_numbers,
    hit_probability,
    mean_average_precision,
    mean_inverse_penalty,
    tie_groups,
)

RANKS = (1, 5, 10)
METRICS = ('mAP', 'mINP', 'cmc')
TIES = ('mean', 'pessimistic')


@dataclass
class QueryScores:
    """Scores of Q queries, in their order; 0 where a query has no match.

    Attributes:
        ap: ``(Q,)`` average precision.
        inp: ``(Q,)`` inverse negative penalty.
        hits: ``(Q, 3)`` chance of a match among the first 1, 5 and 10.
        num_matches: ``(Q,)`` int64; -1 where the query itself is ignored.
        tied: ``(Q,)`` bool, a match ties with a wrong image.
    """

    ap: np.ndarray
    inp: np.ndarray
    hits: np.ndarray
    num_matches: np.ndarray
    tied: np.ndarray

    @classmethod
    def empty(cls, size: int) -> 'QueryScores':
        """Return scores of queries that have not been looked at."""
        return cls(
            ap=np.zeros(size),
            inp=np.zeros(size),
            hits=np.zeros((size, len(RANKS))),
            num_matches=np.full(size, -1, np.int64),
            tied=np.zeros(size, bool),
        )


def score_queries(
    qf: Any,
    gf: Any,
    protocol: MarketProtocol,
    *,
    distance: str = 'cosine',
    ties: str = 'mean',
) -> QueryScores:
    """Score every query by itself.

    Args:
        qf: ``(Q, D)`` query features.
        gf: ``(G, D)`` gallery features.
        protocol: which gallery images count.
        distance: ``'cosine'`` or ``'euclidean'``.
        ties: ``'mean'`` or ``'pessimistic'``.

    Raises:
        ValueError: if features are not finite, or an option is unknown.
    """
    if ties not in TIES:
        raise ValueError(f'ties must be one of {TIES}; got {ties!r}.')
    qf, gf = as_features(qf, 'qf'), as_features(gf, 'gf')
    resolution = distance_resolution(qf, gf, distance)
    harmonic = harmonic_numbers(len(gf))
    scores = QueryScores.empty(len(qf))
    rows = protocol.query_rows
    asked = qf if len(rows) == len(qf) else qf[rows]
    for start, chunk in distance_chunks(asked, gf, distance=distance):
        chunk[:, protocol.ignored] = np.inf
        for query, row in zip(rows[start:], chunk, strict=False):
            matches, left_out = protocol.split(query)
            scores.num_matches[query] = len(matches)
            if not len(matches):
                continue
            row[left_out] = np.inf
            nearest = np.sort(row[matches])
            row.sort()
            counted = row[: np.searchsorted(row, np.inf)]
            groups = tie_groups(counted, nearest, resolution)
            scores.tied[query] = groups.mixed
            if ties == 'pessimistic':
                groups = groups.pessimistic()
            _fill(scores, query, groups, harmonic)
    return scores


def _fill(
    scores: QueryScores, query: int, groups: TieGroups, harmonic: np.ndarray
) -> None:
    scores.ap[query] = mean_average_precision(groups, harmonic)
    scores.inp[query] = mean_inverse_penalty(groups)
    scores.hits[query] = [hit_probability(groups, rank) for rank in RANKS]


def evaluate(
    qf: Any,
    gf: Any,
    q_pids: Any,
    g_pids: Any,
    q_cams: Any = None,
    g_cams: Any = None,
    *,
    metrics: Sequence[str] = METRICS,
    ignore_pids: Sequence[int] = (-1,),
    ties: str = 'mean',
    distance: str = 'cosine',
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
        ignore_pids: identities to leave out of queries and gallery.
        ties: how images at equal distance count: ``'mean'`` over all their
            orders, or ``'pessimistic'``, matches last.
        distance: ``'cosine'`` or ``'euclidean'``.

    Returns:
        ``mAP``, ``mINP``, ``Rank-1``, ``Rank-5`` and ``Rank-10`` in [0, 1],
        ``num_queries`` (ignored ones not counted), ``num_valid_queries``
        (with a match) and ``num_tied_queries`` (a match ties with a wrong
        image, so that the choice of ``ties`` matters).

    Raises:
        ValueError: if features are not finite, rows do not fit, or an option
            is unknown.
    """
    unknown = set(metrics) - set(METRICS)
    if unknown:
        raise ValueError(
            f'metrics must be among {METRICS}; got {sorted(unknown)}.'
        )
    protocol = MarketProtocol(
        q_pids,
        g_pids,
        q_cams,
        g_cams,
        num_queries=len(qf),
        num_gallery=len(gf),
        ignore_pids=ignore_pids,
    )
    scores = score_queries(qf, gf, protocol, distance=distance, ties=ties)
    if not (scores.num_matches > 0).any():
        print_log(
            f'no query has a match: {protocol.why_no_match()}',
            logger='current',
            level=logging.WARNING,
        )
    return summarize(scores, metrics)


def summarize(
    scores: QueryScores, metrics: Sequence[str] = METRICS
) -> dict[str, float]:
    """Average the scores of valid queries; see ``evaluate`` for the keys."""
    valid = scores.num_matches > 0
    count = max(int(valid.sum()), 1)
    result: dict[str, float] = {}
    if 'mAP' in metrics:
        result['mAP'] = float(scores.ap[valid].sum() / count)
    if 'mINP' in metrics:
        result['mINP'] = float(scores.inp[valid].sum() / count)
    if 'cmc' in metrics:
        hits = scores.hits[valid].sum(axis=0) / count
        for rank, hit in zip(RANKS, hits, strict=True):
            result[f'Rank-{rank}'] = float(hit)
    result['num_valid_queries'] = int(valid.sum())
    result['num_queries'] = int((scores.num_matches >= 0).sum())
    result['num_tied_queries'] = int(scores.tied.sum())
    return result
