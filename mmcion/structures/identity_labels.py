"""IdentityLabels: what a denoiser says about every row of a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmcion.utils.io import atomic_file

from .tracklet_table import TrackletTable

UNASSIGNED = -1


@dataclass
class IdentityLabels:
    """Identity of every row; row order is that of the table.

    Attributes:
        identity: ``(N,)`` int32, -1 = unassigned.
        report: counts and whatever else the steps that made it recorded.
    """

    identity: np.ndarray
    report: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_tracklets(cls, table: TrackletTable) -> IdentityLabels:
        """Start with one identity per tracklet."""
        return cls(table.tracklet_index.copy())

    @property
    def keep(self) -> np.ndarray:
        """``(N,)`` bool: rows that have an identity."""
        return self.identity != UNASSIGNED

    @property
    def num_identities(self) -> int:
        """Number of different identities, unassigned rows aside."""
        return len(np.unique(self.identity[self.keep]))

    def contiguous(self) -> IdentityLabels:
        """Return the same grouping with identities 0..n-1 by first row."""
        found, first, inverse = np.unique(
            self.identity, return_index=True, return_inverse=True
        )
        assigned = found != UNASSIGNED
        rank = np.full(len(found), UNASSIGNED, np.int32)
        order = np.argsort(first[assigned], kind='stable')
        rank[np.flatnonzero(assigned)[order]] = np.arange(assigned.sum())
        return IdentityLabels(rank[inverse].astype(np.int32), self.report)

    def save(self, path: str | Path) -> None:
        """Write the labels atomically as ``.npy``."""
        with atomic_file(path) as temporary, open(temporary, 'wb') as file:
            np.save(file, self.identity)

    @classmethod
    def load(cls, path: str | Path) -> IdentityLabels:
        """Read labels written by ``save``."""
        return cls(np.load(path))
