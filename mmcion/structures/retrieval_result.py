"""RetrievalResult: how the gallery was ranked for every query."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .reid_features import ReIDFeatures


@dataclass
class RetrievalResult:
    """Scores of Q queries and what was nearest to them, for reports.

    Attributes:
        features: what was ranked: images, or tracklets by their means.
        scores: what a metric reports, by name.
        query_rows: ``(Q,)`` rows of ``features`` that asked.
        ap: ``(Q,)`` average precision; 0 without a match.
        num_matches: ``(Q,)`` gallery images that match.
        nearest: ``(Q, K)`` rows of ``features``, nearest first, without the
            images that do not count for the query; -1 where there are less.
        distances: ``(Q, K)`` of them; those that made the order.
        cmc: ``(R,)`` share of queries with a match among the first 1..R.
        roc: of all pairs: ``fpr``, ``tpr`` and ``threshold``, each ``(T,)``;
            empty if it was not asked for.
        unit: what a row of ``features`` is: ``'image'`` or ``'tracklet'``.
        remark: what a reader of the scores has to know beyond their names.
    """

    features: ReIDFeatures
    scores: dict[str, float]
    query_rows: np.ndarray
    ap: np.ndarray
    num_matches: np.ndarray
    nearest: np.ndarray
    distances: np.ndarray
    cmc: np.ndarray
    roc: dict[str, np.ndarray] = field(default_factory=dict)
    unit: str = 'image'
    remark: str = ''
