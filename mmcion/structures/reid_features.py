"""ReIDFeatures: features of queries and gallery, with their labels."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmcion.utils.io import atomic_file

from .columns import as_integers

NO_TRACKLET = -1
_COLUMNS = ('feature', 'pid', 'cam_id', 'is_query', 'img_path')


@dataclass
class ReIDFeatures:
    """Features of N images, and what the images show.

    Attributes:
        feature: ``(N, D)`` float32.
        pid: ``(N,)`` int64 identities, -1 = junk.
        cam_id: ``(N,)`` int64 cameras.
        is_query: ``(N,)`` bool; the others are the gallery.
        img_path: ``(N,)`` str.
        tracklet_id: ``(N,)`` int64; -1 for an image of no tracklet, which
            all are where it is left out.

    Raises:
        TypeError: if a column of integers or bools holds something else.
        ValueError: if a column has another shape.
    """

    feature: np.ndarray
    pid: np.ndarray
    cam_id: np.ndarray
    is_query: np.ndarray
    img_path: np.ndarray
    tracklet_id: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.feature = np.asarray(self.feature, np.float32)
        if self.feature.ndim != 2:
            raise ValueError(
                f'feature must be (N, D); got {self.feature.shape}.'
            )
        if self.tracklet_id is None:
            self.tracklet_id = np.full(len(self), NO_TRACKLET)
        for name in ('pid', 'cam_id', 'tracklet_id'):
            column = as_integers(name, getattr(self, name), np.int64)
            setattr(self, name, column)
        flags = np.asarray(self.is_query)
        whole = flags.dtype.kind in 'biu' or not flags.size
        if not whole or not np.isin(flags, (0, 1)).all():
            raise TypeError(
                f'is_query must be bools, or 0 and 1; got an array of '
                f'{flags.dtype}.'
            )
        self.is_query = flags.astype(bool)
        self.img_path = np.asarray(self.img_path, str)
        for name in (*_COLUMNS[1:], 'tracklet_id'):
            shape = getattr(self, name).shape
            if shape != (len(self),):
                raise ValueError(
                    f'{name} must hold one value per feature, '
                    f'({len(self)},); got {shape}.'
                )
        if self.tracklet_id.min(initial=NO_TRACKLET) < NO_TRACKLET:
            raise ValueError(
                f'tracklet_id must not be below {NO_TRACKLET}; got '
                f'{self.tracklet_id.min()}.'
            )

    def __len__(self) -> int:
        return len(self.feature)

    @classmethod
    def load(cls, path: str | Path) -> ReIDFeatures:
        """Read what ``save`` wrote.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is damaged or of another kind.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(
                f'there is no file of features at {path}; tools/test.py '
                f'--dump-features writes one.'
            )
        try:
            with np.load(path, allow_pickle=False) as file:
                columns = {name: file[name] for name in file.files}
        except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(
                f'{path} is damaged or no .npz file of features: {error}. '
                f'Write it again with tools/test.py --dump-features.'
            ) from error
        missing = set(_COLUMNS) - set(columns)
        if missing:
            raise ValueError(
                f'{path} lacks {", ".join(sorted(missing))}; a file of '
                f'labelled features has {", ".join(_COLUMNS)}.'
            )
        known = (*_COLUMNS, 'tracklet_id')
        try:
            return cls(**{k: columns[k] for k in known if k in columns})
        except (TypeError, ValueError) as error:
            raise ValueError(f'{path}: {error}') from error

    def save(self, path: str | Path) -> None:
        """Write an uncompressed ``.npz`` file, atomically."""
        with atomic_file(path) as temporary, open(temporary, 'wb') as file:
            np.savez(file, **vars(self))

    def take(self, rows: np.ndarray) -> ReIDFeatures:
        """Return some rows, in the order given."""
        return ReIDFeatures(**{k: v[rows] for k, v in vars(self).items()})

    def tracklet_means(self) -> ReIDFeatures:
        """Average the features of each tracklet.

        The first image of a tracklet lends its labels and its path. Images
        of no tracklet stay as they are; the order is that of first images.

        Returns:
            One row per tracklet.
        """
        assert self.tracklet_id is not None
        alone = self.tracklet_id == NO_TRACKLET
        key = np.where(alone, -1 - np.arange(len(self)), self.tracklet_id)
        _, first, group = np.unique(
            key, return_index=True, return_inverse=True
        )
        order = np.argsort(group, kind='stable')
        starts = np.searchsorted(group[order], np.arange(len(first)))
        result = self.take(first)
        for row, start in enumerate(starts):
            stop = starts[row + 1] if row + 1 < len(starts) else len(order)
            members = self.feature[order[start:stop]]
            result.feature[row] = members.mean(axis=0, dtype=np.float64)
        return result.take(np.argsort(first, kind='stable'))
