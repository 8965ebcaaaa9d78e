"""FeatureStore: one feature per row of a table, memory-mapped."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from mmcion.utils.io import hash_value, read_json, write_json

from .tracklet_table import TrackletTable

_BLOCK = 1 << 16


class FeatureStore:
    """``(N, D)`` float16 features on disk, row i = row i of the table.

    Rows come out as float32, L2-normalised. With ``center=True`` the mean of
    all rows is subtracted before normalising, which removes what all images
    share and helps every extractor (ours).

    Args:
        features: ``(N, D)`` array; any float type, in memory or mapped.
        meta: what made the features.
        center: see above.
    """

    ARRAY, META = 'features.npy', 'features.json'

    def __init__(
        self,
        features: np.ndarray,
        meta: dict[str, Any] | None = None,
        *,
        center: bool = False,
    ) -> None:
        if features.ndim != 2:
            raise ValueError(f'features must be (N, D); got {features.shape}')
        self._features = features
        self.meta = dict(meta or {})
        self.mean = self._mean() if center else None

    @classmethod
    def create(
        cls, folder: str | Path, shape: tuple[int, int], meta: dict[str, Any]
    ) -> np.memmap:
        """Make (or reopen) the array of a store that is to be filled.

        Ranks may write disjoint row ranges of it. ``finish`` turns it into a
        store that ``open`` accepts.

        Args:
            folder: where the store will be.
            shape: ``(N, D)``.
            meta: identifies the features; an existing array made with other
                ``meta`` or shape, and all marks ``.done_*`` of finished
                parts beside it, are started anew.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        array, partial = folder / cls.ARRAY, folder / 'partial.json'
        state = {'shape': list(shape), 'meta': hash_value(meta)}
        if array.exists() and partial.exists() and read_json(partial) == state:
            return np.lib.format.open_memmap(array, mode='r+')
        for stale in (folder / cls.META, partial):
            stale.unlink(missing_ok=True)
        for mark in folder.glob('.done_*'):
            mark.unlink()
        features = np.lib.format.open_memmap(
            array, mode='w+', dtype=np.float16, shape=shape
        )
        write_json(partial, state)
        return features

    @classmethod
    def is_finished(cls, folder: str | Path, meta: dict[str, Any]) -> bool:
        """Tell whether a folder holds finished features of this origin."""
        file = Path(folder) / cls.META
        if not file.is_file():
            return False
        found = read_json(file)
        # by hash, because JSON makes lists of tuples
        return all(
            key in found and hash_value(found[key]) == hash_value(value)
            for key, value in meta.items()
        )

    @classmethod
    def finish(cls, folder: str | Path, meta: dict[str, Any]) -> None:
        """Declare a created store complete."""
        folder = Path(folder)
        shape = np.load(folder / cls.ARRAY, mmap_mode='r').shape
        write_json(
            folder / cls.META, {'rows': shape[0], 'dim': shape[1], **meta}
        )
        (folder / 'partial.json').unlink(missing_ok=True)

    @classmethod
    def open(cls, folder: str | Path, *, center: bool = False) -> FeatureStore:
        """Open a finished store.

        Raises:
            FileNotFoundError: if there is none, or its extraction has not
                finished.
            ValueError: if the array has not the promised rows.
        """
        folder = Path(folder)
        if not (folder / cls.META).is_file():
            raise FileNotFoundError(
                f'{folder} holds no finished features ({cls.META} is '
                f'missing). Run tools/extract_features.py to its end.'
            )
        meta = read_json(folder / cls.META)
        path = folder / cls.ARRAY
        expected = (meta['rows'], meta['dim'])
        try:
            features = np.load(path, mmap_mode='r' if meta['rows'] else None)
        except ValueError as error:
            raise ValueError(
                f'{path} is damaged: {cls.META} promises {expected} values, '
                f'the file has {path.stat().st_size} bytes ({error}).'
            ) from error
        if features.shape != expected:
            raise ValueError(
                f'{path} holds {features.shape}, {cls.META} says {expected}.'
            )
        return cls(features, meta, center=center)

    def centered(self) -> FeatureStore:
        """Return the same features with their mean subtracted."""
        if self.mean is not None:
            return self
        return FeatureStore(self._features, self.meta, center=True)

    def __len__(self) -> int:
        return len(self._features)

    @property
    def dim(self) -> int:
        """Dimensions D of a feature."""
        return self._features.shape[1]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return rows as ``(n, D)`` float32 unit vectors.

        Raises:
            ValueError: if a row is not finite or has no direction; names it.
        """
        block = np.asarray(self._features[rows], np.float32)
        if self.mean is not None:
            block = block - self.mean
        norm = np.linalg.norm(block, axis=1, keepdims=True)
        if not (np.isfinite(norm).all() and (norm > 0).all()):
            bad = np.flatnonzero(~(np.isfinite(norm) & (norm > 0)).ravel())
            row = np.arange(len(self))[rows][bad[0]]
            raise ValueError(
                f'feature row {row} is zero or not finite '
                f'({len(bad)} such rows in this block); extract it again or '
                f'drop the image from the table.'
            )
        return block / norm

    def fingerprint(self) -> str:
        """Return a hash of origin, shape and a sample of a thousand rows."""
        step = max(len(self) // 1000, 1)
        state = [self.meta, self._features.shape, self.mean is not None]
        digest = hashlib.sha256(hash_value(state).encode())
        digest.update(self._features[::step].tobytes())
        return digest.hexdigest()[:16]

    def check_table(self, table: TrackletTable) -> None:
        """Raise ValueError unless the features are those of ``table``.

        Rows are compared, and the table that the features were extracted
        from, where the store knows it.
        """
        if len(self) != len(table):
            raise ValueError(
                f'the feature store has {len(self)} rows, the table has '
                f'{len(table)}; extract the features of this table.'
            )
        origin = self.meta.get('table')
        if origin not in (None, table.fingerprint()):
            raise ValueError(
                f'the features are those of another table ({origin}, not '
                f'{table.fingerprint()}); extract the features of this one.'
            )

    def _mean(self) -> np.ndarray:
        total = np.zeros(self.dim)
        for start in range(0, len(self), _BLOCK):
            block = self._features[start : start + _BLOCK]
            finite = np.isfinite(block).all(1)
            if not finite.all():
                row = start + int(np.argmin(finite))
                raise ValueError(
                    f'feature row {row} is not finite; extract it again or '
                    f'drop the image from the table.'
                )
            total += np.sum(block, axis=0, dtype=np.float64)
        return (total / max(len(self), 1)).astype(np.float32)
