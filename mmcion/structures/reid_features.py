"""ReIDFeatures: features of queries and gallery, with their labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmcion.utils.checks import (
    UserError,
    check_columns,
    check_file,
    name_in_errors,
)
from mmcion.utils.io import load_npz, save_npz

from .columns import as_floats, as_integers
from .csr import Csr

NO_TRACKLET = -1
_REQUIRED = ('feature', 'pid', 'cam_id', 'is_query', 'img_path')
_HINT = 'tools/test.py --dump-features writes one.'


@dataclass
class ReIDFeatures:
    """Features of N images, with their labels.

    Attributes:
        feature: ``(N, D)`` float32.
        pid: ``(N,)`` int64 identities, -1 = junk.
        cam_id: ``(N,)`` int64 cameras, -1 = unknown.
        is_query: ``(N,)`` bool; the others are the gallery.
        img_path: ``(N,)`` str.
        tracklet_id: ``(N,)`` int64; -1 for an image of no tracklet, as are
            all if it is None.
    """

    feature: np.ndarray
    pid: np.ndarray
    cam_id: np.ndarray
    is_query: np.ndarray
    img_path: np.ndarray
    tracklet_id: np.ndarray | None = None

    def __post_init__(self) -> None:
        feature = as_floats('feature', self.feature)
        self.feature = feature.astype(np.float32, copy=False)
        if feature.ndim != 2:
            raise UserError(f'feature must be (N, D); got {feature.shape}.')
        if self.tracklet_id is None:
            self.tracklet_id = np.full(len(self), NO_TRACKLET)
        for name in ('pid', 'cam_id', 'tracklet_id'):
            column = as_integers(name, getattr(self, name), np.int64)
            setattr(self, name, column)
        flags = np.asarray(self.is_query)
        # text such as 'False' would be true
        if flags.dtype != bool and not np.isin(flags, (0, 1)).all():
            raise UserError(f'is_query must be bool; got {flags.dtype}.')
        self.is_query = flags.astype(bool)
        self.img_path = np.asarray(self.img_path, str)
        shape = (len(self),)
        for name, column in vars(self).items():
            if name != 'feature' and column.shape != shape:
                raise UserError(f'{name} must be {shape}; got {column.shape}.')

    def __len__(self) -> int:
        return len(self.feature)

    @classmethod
    def load(cls, path: str | Path) -> ReIDFeatures:
        """Read a file that ``save`` wrote."""
        columns = load_npz(check_file(path, 'file of features', _HINT))
        check_columns(path, columns, _REQUIRED)
        known = columns.keys() & {*_REQUIRED, 'tracklet_id'}
        with name_in_errors(path):
            return cls(**{name: columns[name] for name in known})

    def save(self, path: str | Path) -> None:
        """Write an uncompressed ``.npz`` file, atomically."""
        save_npz(path, **vars(self))

    def take(self, rows: np.ndarray) -> ReIDFeatures:
        """Return some rows, in the given order."""
        return ReIDFeatures(**{k: v[rows] for k, v in vars(self).items()})

    def tracklet_means(self) -> ReIDFeatures:
        """Average the features of each tracklet.

        Returns:
            One row per tracklet, with labels and path of its first image and
            in the order of these.
        """
        assert self.tracklet_id is not None
        if (self.tracklet_id < 0).any():
            path = self.img_path[self.tracklet_id.argmin()]
            raise UserError(f'averaging needs the tracklet_id of {path}.')
        _, first, group = np.unique(
            self.tracklet_id, return_index=True, return_inverse=True
        )
        rows = Csr.from_identity(group)  # by tracklet
        means = self.take(first)
        for i in range(len(first)):
            members = self.feature[rows.get(i)]
            means.feature[i] = members.mean(axis=0, dtype=np.float64)
        return means.take(np.argsort(first, kind='stable'))
