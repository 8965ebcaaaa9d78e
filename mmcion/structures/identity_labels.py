"""IdentityLabels: the identity of every row of a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmcion.utils.checks import UserError, check_file, name_in_errors
from mmcion.utils.checksums import check_files, read_checksums
from mmcion.utils.io import load_npy, save_npy

from .columns import as_integers
from .feature_store import FeatureStore
from .tracklet_table import TrackletTable

UNASSIGNED = -1


@dataclass
class IdentityLabels:
    """Identity of every row, in the order of the table.

    Attributes:
        identity: ``(N,)`` int32, -1 = unassigned.
        report: Counts and whatever else the denoising stages recorded.
    """

    identity: np.ndarray
    report: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_tracklets(
        cls, table: TrackletTable, features: FeatureStore | None = None
    ) -> IdentityLabels:
        """Start with one identity per tracklet.

        Rows without a feature stay unassigned, if features are given.
        """
        identity = table.tracklet_index.copy()
        if features is not None:
            identity[features.unreadable] = UNASSIGNED
        return cls(identity)

    @property
    def keep(self) -> np.ndarray:
        """``(N,)`` bool, rows that have an identity."""
        return self.identity != UNASSIGNED

    @property
    def num_identities(self) -> int:
        """Number of different identities."""
        return int(np.count_nonzero(np.bincount(self.identity[self.keep])))

    def contiguous(self) -> IdentityLabels:
        """Return the same grouping with identities 0..n-1 by first row."""
        rows = np.flatnonzero(self.keep)
        ids = self.identity[rows]
        # of several writes the last one stays: backwards, the first row
        first = np.full(int(ids.max(initial=-1)) + 1, -1)
        first[ids[::-1]] = rows[::-1]
        used = np.flatnonzero(first >= 0)
        number = np.empty(len(first), np.int32)
        number[used[np.argsort(first[used])]] = np.arange(len(used))
        identity = np.full(len(self.identity), UNASSIGNED, np.int32)
        identity[rows] = number[ids]
        return IdentityLabels(identity, self.report)

    def compact(self) -> IdentityLabels:
        """Return the same grouping, numbered 0..n-1 in the same order."""
        used = np.bincount(self.identity[self.keep]) > 0
        # (max + 2,); the last entry is that of -1
        number = np.append(np.cumsum(used) - 1, UNASSIGNED).astype(np.int32)
        return IdentityLabels(number[self.identity], self.report)

    def save(self, path: str | Path) -> None:
        """Write the labels atomically as ``.npy``."""
        save_npy(path, self.identity)

    @classmethod
    def load(cls, path: str | Path) -> IdentityLabels:
        """Read labels written by ``save``, or by other programs.

        Raises:
            FileNotFoundError: If there is no such file.
            UserError: If it is damaged, or holds anything but identities.
        """
        path = check_file(path, 'identities')
        identity = load_npy(path)
        # a file of one's own has none, even beside those of a denoising
        if path.name in read_checksums(path.parent):
            check_files(path.parent, [path.name])
        with name_in_errors(path):
            if identity.dtype.kind != 'i':  # as other programs write them
                identity = as_integers('identity', identity, np.int64)
            if identity.ndim != 1 or (identity < UNASSIGNED).any():
                found = f'{identity.shape} from {identity.min(initial=0)} on'
                raise UserError(f'identities must be (N,) >= -1; got {found}.')
        return cls(identity)
