"""The scores of single queries, and their means."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from mmcion.utils.rank_share import RankShare

RANKS = (1, 5, 10)
METRICS = ('mAP', 'mINP', 'cmc')


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
