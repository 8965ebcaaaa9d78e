"""Score each query by its ranked gallery, in bounded memory.

Every number is a count of gallery images nearer than a match, so no order of
indices is ever built: a chunk of distances is sorted in place as plain
values, and the matches are looked up in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from numbers import Integral
from typing import Any

import numpy as np

from mmcion.utils.rank_share import RankShare

from ..protocols import GalleryRule
from .distance import as_features, distance_chunks, distance_resolution
from .identity_cmc import identity_hits
from .retrieval import smallest_columns
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
        hits: ``(Q, R)`` chance of a match among the first images.
        num_matches: ``(Q,)`` int64; -1 where the query itself is ignored.
        tied: ``(Q,)`` bool, a match ties with a wrong image.
        nearest: ``(Q, K)`` int64 gallery rows that count, nearest first; -1
            where there are less.
        distances: ``(Q, K)`` of them; infinite where there are less.
        ranks: how many first images each of the R columns looks at.
    """

    ap: np.ndarray
    inp: np.ndarray
    hits: np.ndarray
    num_matches: np.ndarray
    tied: np.ndarray
    nearest: np.ndarray
    distances: np.ndarray
    ranks: Sequence[int] = RANKS

    @classmethod
    def empty(
        cls, size: int, ranks: Sequence[int] = RANKS, keep: int = 0
    ) -> 'QueryScores':
        """Return scores of queries that have not been looked at."""
        return cls(
            ap=np.zeros(size),
            inp=np.zeros(size),
            hits=np.zeros((size, len(ranks))),
            num_matches=np.full(size, -1, np.int64),
            tied=np.zeros(size, bool),
            nearest=np.full((size, keep), -1),
            distances=np.full((size, keep), np.inf),
            ranks=tuple(ranks),
        )

    def gathered(
        self, share: RankShare, queries: np.ndarray, own: np.ndarray
    ) -> 'QueryScores':
        """Return the scores of ``queries``; this rank has made ``own``."""
        keep = self.nearest.shape[1]
        whole = QueryScores.empty(len(self.ap), self.ranks, keep)
        for name in _COLUMNS:
            column = share.gather(getattr(self, name)[own])
            getattr(whole, name)[queries] = column
        return whole


_COLUMNS = [f.name for f in fields(QueryScores) if f.name != 'ranks']


def score_queries(
    qf: Any,
    gf: Any,
    rule: GalleryRule,
    *,
    distance: str = 'cosine',
    ties: str = 'mean',
    ranks: Sequence[int] = RANKS,
    queries: np.ndarray | None = None,
    keep: int = 0,
) -> QueryScores:
    """Score every query by itself.

    Args:
        qf: ``(Q, D)`` query features.
        gf: ``(G, D)`` gallery features.
        rule: which gallery images count.
        distance: ``'cosine'`` or ``'euclidean'``.
        ties: ``'mean'`` or ``'pessimistic'``.
        ranks: see ``QueryScores``.
        queries: rows to score; ``query_rows`` of the rule if None.
        keep: number K of nearest images to return.

    Raises:
        ValueError: if features are not finite, or an option is unknown.
    """
    qf, gf = as_features(qf, 'qf'), as_features(gf, 'gf')
    rows = rule.query_rows if queries is None else queries
    asked = qf if len(rows) == len(qf) else qf[rows]
    scores = score_chunks(
        distance_chunks(asked, gf, distance=distance),
        rule,
        rows,
        resolution=distance_resolution(qf, gf, distance),
        ties=ties,
        ranks=ranks,
        keep=keep,
    )
    if distance == 'euclidean':
        np.sqrt(np.maximum(scores.distances, 0), out=scores.distances)
    return scores


def score_chunks(
    chunks: Iterable[tuple[int, np.ndarray]],
    rule: GalleryRule,
    queries: np.ndarray,
    *,
    resolution: float,
    ties: str = 'mean',
    ranks: Sequence[int] = RANKS,
    keep: int = 0,
) -> QueryScores:
    """Score every query by its distances.

    Args:
        chunks: pairs of a place in ``queries`` and the ``(B, G)`` distances
            of the queries from there on, which are overwritten.
        rule: which gallery images count.
        queries: rows of the queries that are scored.
        resolution: distances this near are a tie.
        ties: ``'mean'`` or ``'pessimistic'``.
        ranks: see ``QueryScores``.
        keep: number K of nearest images to return.

    Raises:
        ValueError: if ``ties`` is unknown, or a rank is no whole number of 1
            or more.
    """
    if ties not in TIES:
        raise ValueError(f'ties must be one of {TIES}; got {ties!r}.')
    if not isinstance(ranks, Iterable) or not all(
        isinstance(rank, Integral) and rank >= 1 for rank in ranks
    ):
        raise ValueError(
            f'ranks must be whole numbers of 1 or more, such as {RANKS}; got '
            f'{ranks}.'
        )
    harmonic = harmonic_numbers(len(rule.g_pids))
    scores = QueryScores.empty(len(rule.q_pids), ranks, keep)
    for start, chunk in chunks:
        rows = queries[start : start + len(chunk)]
        by_identity = None
        if rule.cmc != 'images':
            by_identity = identity_hits(
                chunk,
                rule,
                rows,
                resolution=resolution,
                ties=ties,
                ranks=ranks,
            )
        found = _look_up(chunk, rule, rows, resolution, scores)
        scores.num_matches[rows] = found.counts
        _fill_untied(scores, rows, found)
        for i in np.unique(found.owner[~found.alone]):
            groups = tie_groups(
                chunk[i, : found.sizes[i]],
                found.nearest[found.owner == i],
                resolution,
            )
            scores.tied[rows[i]] = groups.mixed
            if ties == 'pessimistic':
                groups = groups.pessimistic()
            _fill(scores, rows[i], groups, harmonic)
        if by_identity is not None:
            scores.hits[rows] = by_identity
    return scores


@dataclass
class _Matches:
    """Where the M matches of B queries stand, by query, nearest first.

    Attributes:
        counts: ``(B,)`` matches of each query.
        sizes: ``(B,)`` gallery images that count for each.
        owner: ``(M,)`` to which of the queries a match belongs.
        nearest: ``(M,)`` its distance.
        place: ``(M,)`` how many images are nearer.
        alone: ``(M,)`` bool, whether no image is as near.
    """

    counts: np.ndarray
    sizes: np.ndarray
    owner: np.ndarray
    nearest: np.ndarray
    place: np.ndarray
    alone: np.ndarray


def _look_up(
    chunk: np.ndarray,
    rule: GalleryRule,
    queries: np.ndarray,
    resolution: float,
    scores: QueryScores,
) -> _Matches:
    """Sort the rows of ``chunk``, and find the matches in them."""
    split = [rule.split(query) for query in queries.tolist()]
    rows, columns, counts = _flat([matches for matches, _ in split])
    nearest = chunk[rows, columns]
    nearest = nearest[np.lexsort((nearest, rows))]
    left_rows, left_columns, left = _flat([left for _, left in split])
    chunk[left_rows, left_columns] = np.inf
    chunk[:, rule.ignored] = np.inf
    _keep_nearest(scores, queries, chunk)
    chunk.sort(axis=1)
    ends = np.cumsum(counts)
    place = np.empty(len(rows), np.int64)
    for row, end, count in zip(chunk, ends, counts, strict=True):
        own = slice(end - count, end)
        place[own] = row.searchsorted(nearest[own])
    before = chunk[rows, np.maximum(place - 1, 0)]
    after = chunk[rows, np.minimum(place + 1, chunk.shape[1] - 1)]
    sizes = chunk.shape[1] - len(rule.ignored) - left
    alone = (place == 0) | (nearest - before > resolution)
    alone &= (place == sizes[rows] - 1) | (after - nearest > resolution)
    return _Matches(counts, sizes, rows, nearest, place, alone)


def _keep_nearest(
    scores: QueryScores, queries: np.ndarray, chunk: np.ndarray
) -> None:
    """Note the nearest images that count."""
    keep = min(scores.nearest.shape[1], chunk.shape[1])
    if not keep:
        return
    rows, found = smallest_columns(chunk, keep)
    scores.nearest[queries, :keep] = np.where(np.isfinite(found), rows, -1)
    scores.distances[queries, :keep] = found


def _flat(
    lists: list[np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which list an entry is from, all entries, and their counts."""
    counts = np.array([len(entries) for entries in lists])
    return (
        np.repeat(np.arange(len(lists)), counts),
        np.concatenate(lists),
        counts,
    )


def _fill_untied(
    scores: QueryScores, queries: np.ndarray, found: _Matches
) -> None:
    """Score all queries that have a match as if nothing tied."""
    valid = found.counts > 0
    rows, counts = queries[valid], found.counts[valid]
    ends = np.cumsum(counts)
    first, last = found.place[ends - counts], found.place[ends - 1]
    number = np.arange(len(found.place)) - np.repeat(ends - counts, counts)
    precision = (number + 1) / (found.place + 1)
    total = np.bincount(found.owner, precision, minlength=len(queries))
    scores.ap[rows] = total[valid] / counts
    scores.inp[rows] = counts / (last + 1)
    scores.hits[rows] = first[:, None] < np.array(scores.ranks)


def _fill(
    scores: QueryScores, query: int, groups: TieGroups, harmonic: np.ndarray
) -> None:
    scores.ap[query] = mean_average_precision(groups, harmonic)
    scores.inp[query] = mean_inverse_penalty(groups)
    scores.hits[query] = [
        hit_probability(groups, rank) for rank in scores.ranks
    ]


def mean_scores(trials: Sequence[QueryScores]) -> QueryScores:
    """Average trials with the same queries; the first lends its nearest."""
    return replace(
        trials[0],
        **{
            name: np.mean([getattr(t, name) for t in trials], axis=0)
            for name in ('ap', 'inp', 'hits')
        },
        tied=np.any([trial.tied for trial in trials], axis=0),
    )


def summarize(
    scores: QueryScores,
    metrics: Sequence[str] = METRICS,
    ranks: Sequence[int] | None = None,
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
        for rank, hit in zip(scores.ranks, hits, strict=True):
            if ranks is None or rank in ranks:
                result[f'Rank-{rank}'] = float(hit)
    result['num_valid_queries'] = int(valid.sum())
    result['num_queries'] = int((scores.num_matches >= 0).sum())
    result['num_tied_queries'] = int(scores.tied.sum())
    return result
