"""RetrievalResult: scores and nearest images of every query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .reid_features import ReIDFeatures
from .roc_curve import RocCurve


@dataclass
class RetrievalResult:
    """Scores of Q queries and their nearest gallery images.

    Attributes:
        features: What was ranked: images, or tracklets by their means.
        scores: Reported scores by name.
        query_rows: ``(Q,)`` rows of ``features`` that were queries.
        ap: ``(Q,)`` average precision; 0 without a match.
        num_matches: ``(Q,)`` number of matching gallery images.
        nearest: ``(Q, K)`` rows of ``features``, nearest first, without
            ignored images; -1 where there are fewer.
        distances: ``(Q, K)`` distances by which they were ranked.
        cmc: ``(R,)`` fraction of valid queries with a match among the first
            1 to R images.
        roc: ROC curve of all pairs, if requested.
        unit: What a row of ``features`` is: ``'image'`` or ``'tracklet'``.
        remark: What a reader of the scores must know beyond their names.
        options: Options that the scores were computed with, by name.
    """

    features: ReIDFeatures
    scores: dict[str, float]
    query_rows: np.ndarray
    ap: np.ndarray
    num_matches: np.ndarray
    nearest: np.ndarray
    distances: np.ndarray
    cmc: np.ndarray
    roc: RocCurve | None = None
    unit: str = 'image'
    remark: str = ''
    options: dict[str, Any] = field(default_factory=dict)
