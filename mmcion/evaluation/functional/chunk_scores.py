"""Score each query by its ranked gallery, in bounded memory.

Every number is a count of gallery images nearer than a match, so no order of
indices is ever built: a chunk of distances is sorted in place as plain
values, and the matches are looked up in it. Where single precision cannot
tell which of two images is nearer, double precision does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from ..protocols import GalleryRule
from .distance import (
    ExactDistances,
    TieLimit,
    as_features,
    distance_chunks,
    tie_limit,
)
from .exact_order import exact_groups
from .identity_cmc import identity_hits
from .query_scores import RANKS, QueryScores
from .retrieval import smallest_columns
from .tie_scores import (
    TieGroups,
    harmonic_numbers,
    hit_probability,
    mean_average_precision,
    mean_inverse_penalty,
    tie_groups,
)

TIES = ('mean', 'pessimistic')
_EXACT_ROWS = 64  # queries that are ranked in double precision at a time


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
    """Score every query by its features.

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
    if rule.cmc != 'images':  # small sets, whose order is looked at anew
        qf, gf = qf.astype(np.float64), gf.astype(np.float64)
    rows = rule.query_rows if queries is None else queries
    asked = qf if len(rows) == len(qf) else qf[rows]
    exact = None
    if np.result_type(qf, gf) == np.float32:
        exact = ExactDistances(qf, gf, distance)
    scores = score_chunks(
        distance_chunks(asked, gf, distance=distance),
        rule,
        rows,
        limit=tie_limit(qf, gf, distance),
        exact=exact,
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
    limit: TieLimit | None = None,
    exact: ExactDistances | None = None,
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
        limit: distances this near may be equal; only equal ones if None.
        exact: tells the order of distances this near; without, they tie.
        ties: ``'mean'`` or ``'pessimistic'``.
        ranks: see ``QueryScores``.
        keep: number K of nearest images to return.

    Raises:
        ValueError: if ``ties`` is unknown, or a rank is no whole number of 1
            or more.
    """
    check_options(ties, ranks)
    scorer = _Scorer(
        rule,
        QueryScores.empty(len(rule.q_pids), ranks, keep),
        limit or TieLimit(np.zeros(len(rule.q_pids))),
        exact,
        ties,
    )
    for start, chunk in chunks:
        scorer.add(queries[start : start + len(chunk)], chunk)
    return scorer.scores


def check_options(ties: str, ranks: Sequence[int]) -> None:
    """Raise if ``ties`` or ``ranks`` are not what ``score_chunks`` takes.

    Raises:
        ValueError: says what is allowed.
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


@dataclass
class _Matches:
    """Where the M matches of B queries stand, by query, nearest first.

    Attributes:
        counts: ``(B,)`` matches of each query.
        sizes: ``(B,)`` gallery images that count for each.
        owner: ``(M,)`` to which of the queries a match belongs.
        nearest: ``(M,)`` its distance.
        place: ``(M,)`` how many images are nearer.
        alone: ``(M,)`` bool, whether no image may be as near.
    """

    counts: np.ndarray
    sizes: np.ndarray
    owner: np.ndarray
    nearest: np.ndarray
    place: np.ndarray
    alone: np.ndarray


class _Scorer:
    """Fill the scores of queries, a chunk of distances at a time."""

    def __init__(
        self,
        rule: GalleryRule,
        scores: QueryScores,
        limit: TieLimit,
        exact: ExactDistances | None,
        ties: str,
    ) -> None:
        self.rule = rule
        self.scores = scores
        self.limit = limit
        self.exact = exact
        self.ties = ties
        self.harmonic = harmonic_numbers(len(rule.g_pids))

    def add(self, queries: np.ndarray, chunk: np.ndarray) -> None:
        """Score some queries by their ``(B, G)`` distances."""
        by_identity = None
        if self.rule.cmc != 'images':
            by_identity = identity_hits(
                chunk,
                self.rule,
                queries,
                limit=self.limit,
                ties=self.ties,
                ranks=self.scores.ranks,
            )
        split = [self.rule.split(query) for query in queries.tolist()]
        columns = [matches for matches, _ in split]
        self._leave_out(chunk, [left for _, left in split])
        self._keep_nearest(queries, chunk)
        unsorted = None if self.exact is None else chunk.copy()
        found = self._look_up(queries, chunk, columns)
        self.scores.num_matches[queries] = found.counts
        _fill_untied(self.scores, queries, found)
        unsure = {
            int(i): self._groups(queries[i], chunk[i], found, i)
            for i in np.unique(found.owner[~found.alone])
        }
        if self.exact is not None and unsorted is not None:
            if _images_in(unsure.values()) > _EXACT_ROWS * len(chunk):
                self._add_exactly(queries)
                return
            unsure = exact_groups(
                self.exact, queries, chunk, unsorted, columns, unsure
            )
        for i, groups in unsure.items():
            self._fill(queries[i], groups)
        if by_identity is not None:
            self.scores.hits[queries] = by_identity

    def _add_exactly(self, queries: np.ndarray) -> None:
        """Score queries again, all their distances in double precision."""
        assert self.exact is not None
        scorer = _Scorer(
            self.rule, self.scores, self.exact.limit, None, self.ties
        )
        for start in range(0, len(queries), _EXACT_ROWS):
            part = queries[start : start + _EXACT_ROWS]
            scorer.add(part, self.exact.rows(part))

    def _leave_out(
        self, chunk: np.ndarray, left_out: list[np.ndarray]
    ) -> None:
        """Put what does not count behind all else."""
        for row, columns in zip(chunk, left_out, strict=True):
            row[columns] = np.inf
        chunk[:, self.rule.ignored] = np.inf

    def _keep_nearest(self, queries: np.ndarray, chunk: np.ndarray) -> None:
        """Note the nearest images that count."""
        scores = self.scores
        keep = min(scores.nearest.shape[1], chunk.shape[1])
        if not keep:
            return
        rows, found = smallest_columns(chunk, keep)
        rows = np.where(np.isfinite(found), rows, -1)
        scores.nearest[queries, :keep] = rows
        scores.distances[queries, :keep] = found

    def _look_up(
        self, queries: np.ndarray, chunk: np.ndarray, columns: list[np.ndarray]
    ) -> _Matches:
        """Sort the rows of ``chunk``, and find the matches in them."""
        counts = np.array([len(each) for each in columns])
        owner = np.repeat(np.arange(len(chunk)), counts)
        nearest = chunk[owner, np.concatenate(columns)]
        nearest = nearest[np.lexsort((nearest, owner))]
        chunk.sort(axis=1)
        ends = np.cumsum(counts)
        place = np.empty(len(owner), np.int64)
        sizes = np.empty(len(chunk), np.int64)
        for i, (row, end) in enumerate(zip(chunk, ends, strict=True)):
            own = slice(end - counts[i], end)
            place[own] = row.searchsorted(nearest[own])
            sizes[i] = row.searchsorted(np.inf)
        before = chunk[owner, np.maximum(place - 1, 0)]
        after = chunk[owner, np.minimum(place + 1, chunk.shape[1] - 1)]
        near = self.limit.at(queries[owner], nearest)
        alone = (place == 0) | (nearest - before > near)
        near = self.limit.at(queries[owner], np.minimum(after, nearest * 2))
        alone &= (place == sizes[owner] - 1) | (after - nearest > near)
        return _Matches(counts, sizes, owner, nearest, place, alone)

    def _groups(
        self, query: int, row: np.ndarray, found: _Matches, i: int
    ) -> TieGroups:
        """Return what may tie in a sorted row."""
        row = row[: found.sizes[i]]
        return tie_groups(
            row, found.nearest[found.owner == i], self.limit.at(query, row)
        )

    def _fill(self, query: int, groups: TieGroups) -> None:
        scores = self.scores
        scores.tied[query] = groups.mixed
        if self.ties == 'pessimistic':
            groups = groups.pessimistic()
        scores.ap[query] = mean_average_precision(groups, self.harmonic)
        scores.inp[query] = mean_inverse_penalty(groups)
        scores.hits[query] = [
            hit_probability(groups, rank) for rank in scores.ranks
        ]


def _images_in(groups: Iterable[TieGroups]) -> int:
    """Return how many images are in groups of more than one."""
    return sum(int(each.size[each.size > 1].sum()) for each in groups)


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
