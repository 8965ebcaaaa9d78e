"""RocCurve: false and true positive rates of verification."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmcion.utils.checks import check_interval


@dataclass
class RocCurve:
    """Rates of pairs accepted as one identity, at T distances.

    Attributes:
        thresholds: ``(T,)`` distances of the matching pairs, ascending.
        tpr: ``(T,)`` fraction of matching pairs at most this far.
        fpr: ``(T,)`` fraction of wrong pairs at most this far.
        num_matches: Number of matching pairs.
        num_wrong: Number of wrong pairs.
        nearest_wrong: ``(W,)`` smallest distances of wrong pairs, ascending,
            if requested.
    """

    thresholds: np.ndarray
    tpr: np.ndarray
    fpr: np.ndarray
    num_matches: int
    num_wrong: int
    nearest_wrong: np.ndarray | None = None

    def tpr_at(self, fpr: float) -> float:
        """Return the largest true positive rate at a false positive rate."""
        check_interval('[0, 1]', fpr=fpr)
        num_points = np.searchsorted(self.fpr, fpr, side='right')
        return float(self.tpr[num_points - 1]) if num_points else 0.0
