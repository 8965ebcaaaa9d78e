"""The ROC curve of "same person?", over all pairs that a protocol counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmcion.utils.rank_share import RankShare

from ..protocols import GalleryRule, Labels
from .distance import ExactDistances, as_features

_CHUNK_ROWS = 128


@dataclass
class RocCurve:
    """How many pairs are accepted at each distance; T points.

    Attributes:
        thresholds: ``(T,)`` distances, ascending: those of matching pairs.
        tpr: ``(T,)`` share of matching pairs that are at most this far.
        fpr: ``(T,)`` share of wrong pairs that are at most this far.
        num_matches: matching pairs.
        num_wrong: wrong pairs.
    """

    thresholds: np.ndarray
    tpr: np.ndarray
    fpr: np.ndarray
    num_matches: int
    num_wrong: int

    def tpr_at(self, fpr: float) -> float:
        """Return the best true positive rate at a false positive rate."""
        points = self._points(fpr)
        return float(self.tpr[points - 1]) if points else 0.0

    def threshold_at(self, fpr: float) -> float:
        """Return the largest distance with at most this false positive rate.

        Raises:
            ValueError: if even the nearest match lets more wrong pairs in.
        """
        points = self._points(fpr)
        if not points:
            raise ValueError(
                f'no threshold keeps the false positive rate at {fpr}: it is '
                f'{self.fpr[0]:.2g} where the first match is accepted. Allow '
                f'a larger rate, or use a better model.'
            )
        return float(self.thresholds[points - 1])

    def _points(self, fpr: float) -> int:
        if not 0 <= fpr <= 1:
            raise ValueError(f'fpr must be in [0, 1]; got {fpr}.')
        return int(np.searchsorted(self.fpr, fpr, side='right'))


def roc_curve(
    qf: Any,
    gf: Any,
    q_pids: Any,
    g_pids: Any,
    q_cams: Any = None,
    g_cams: Any = None,
    *,
    ignore_pids: Sequence[int] | int = (-1,),
    distance: str = 'cosine',
) -> RocCurve:
    """Count accepted pairs of queries and gallery at every threshold.

    The curve has a point at every distance between a matching pair, and all
    is computed in double precision, so it is exact. Memory is a block of
    queries times the gallery, and the matching pairs. A wrong pair at the
    distance of a match counts as accepted.

    Args:
        qf: see ``evaluate``, as all that follows.
        gf: ``(G, D)`` gallery features.
        q_pids: ``(Q,)`` identities.
        g_pids: ``(G,)`` identities.
        q_cams: ``(Q,)`` cameras.
        g_cams: ``(G,)`` cameras.
        ignore_pids: identities to leave out of queries and gallery.
        distance: ``'cosine'`` or ``'euclidean'``, the thresholds' unit.

    Raises:
        ValueError: if there is no matching or no wrong pair, features are
            not finite, rows do not fit, or an option is unknown.
    """
    qf, gf = as_features(qf, 'qf'), as_features(gf, 'gf')
    labels = Labels.of(
        *(q_pids, g_pids, q_cams, g_cams),
        num_queries=len(qf),
        num_gallery=len(gf),
    )
    return roc_of_rule(qf, gf, GalleryRule(labels, ignore_pids), distance)


def roc_of_rule(
    qf: np.ndarray,
    gf: np.ndarray,
    rule: GalleryRule,
    distance: str,
    share: RankShare | None = None,
) -> RocCurve:
    """Do what ``roc_curve`` does for checked features and a rule.

    Args:
        qf: ``(Q, D)``, as from ``as_features``.
        gf: ``(G, D)``.
        rule: which pairs count.
        distance: ``'cosine'`` or ``'euclidean'``.
        share: every rank looks at its part of the queries.
    """
    share = share or RankShare()
    own = share.part(rule.query_rows)
    exact = ExactDistances(qf, gf, distance)
    near = share.gather(_match_distances(exact, rule, own))
    if not len(near):
        raise ValueError(f'no pair matches: {rule.why_no_match()}')
    thresholds, repeats = np.unique(near, return_counts=True)
    limits = thresholds * (1 + exact.limit.relative)
    limits += exact.limit.absolute.max()
    counts = _count_wrong(exact, rule, own, limits)
    accepted, num_wrong = (
        share.gather(count[None]).sum(axis=0) for count in counts
    )
    if not num_wrong:
        raise ValueError('all pairs match; a ROC curve needs wrong pairs.')
    if distance == 'euclidean':
        thresholds = np.sqrt(np.maximum(thresholds, 0))
    return RocCurve(
        thresholds=thresholds,
        tpr=np.cumsum(repeats) / len(near),
        fpr=accepted / num_wrong,
        num_matches=len(near),
        num_wrong=int(num_wrong),
    )


def _match_distances(
    exact: ExactDistances, rule: GalleryRule, queries: np.ndarray
) -> np.ndarray:
    """Return the distances of all matching pairs."""
    matches = [rule.split(query)[0] for query in queries.tolist()]
    counts = [len(rows) for rows in matches]
    rows = np.concatenate([np.empty(0, np.int64), *matches])
    return exact.pairs(np.repeat(queries, counts), rows)


def _count_wrong(
    exact: ExactDistances,
    rule: GalleryRule,
    queries: np.ndarray,
    limits: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(T,)`` wrong pairs within each limit, and how many exist."""
    accepted = np.zeros(len(limits), np.int64)
    total = np.zeros((), np.int64)
    for start in range(0, len(queries), _CHUNK_ROWS):
        part = queries[start : start + _CHUNK_ROWS]
        chunk = exact.rows(part)
        chunk[:, rule.ignored] = np.inf
        for query, row in zip(part.tolist(), chunk, strict=True):
            for rows in rule.split(query):
                row[rows] = np.inf
        values = chunk.reshape(-1)
        values.sort()
        accepted += np.searchsorted(values, limits, side='right')
        total += np.searchsorted(values, np.inf)
    return accepted, total
