"""FeatureStore: one feature per row of a table, memory-mapped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmcion.utils.io import hash_value, read_json, write_json

from .tracklet_table import TrackletTable

# Values converted at a time: they stay in the processor's cache, and torch
# needs no other thread for them, which forked processes could not wake.
_CHUNK = (1 << 15) - 1
# Values are multiples of 2^-24, so float64 holds sums of up to 2^28 rows
# exactly, and their order cannot matter.
_STEPS = np.float32(1 << 24)
_HASHED_ROWS = 1 << 16
_MOST = float(np.finfo(np.float16).max)


class FeatureStore:
    """``(N, D)`` float16 features on disk, row i = row i of the table.

    Rows come out as float32, L2-normalised. With ``center=True`` the mean of
    all rows is subtracted before normalising, which removes what all images
    share and helps every extractor (ours).

    Values are rounded to multiples of 2^-24, which makes float64 sums of rows
    exact: they are the same whatever the order, the blocks or the ranks.

    Rows of images that could not be read are zero, in the array and when they
    are asked for; ``unreadable`` lists them.

    Args:
        features: ``(N, D)`` array; any float type, in memory or mapped.
        meta: what made the features.
        center: see above.

    Attributes:
        meta: as given.
        mean: ``(D,)`` float32, or None without ``center``.
        unreadable: ``(m,)`` int64, sorted rows that have no feature.

    Raises:
        ValueError: if ``features`` is not ``(N, D)``, or ``meta`` lists
            unreadable rows outside it.
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
        if features.dtype.kind not in 'fiu' or np.ma.isMaskedArray(features):
            raise TypeError(
                f'features must be a plain array of real numbers; got '
                f'{type(features).__name__} of {features.dtype}.'
            )
        if not features.dtype.isnative or features.dtype.itemsize > 8:
            features = features.astype(np.float64)
        self._features = features
        self.meta = dict(meta or {})
        self.unreadable = _unreadable_rows(self.meta, len(features))
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
        """Declare a created store complete.

        Args:
            folder: where it was created.
            meta: that of ``create``; may add ``unreadable``, the sorted rows
                without a feature.
        """
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
        except (ValueError, EOFError) as error:
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

        A row comes out the same in whatever company it is asked for. Rows
        listed in ``unreadable`` are zero.

        Raises:
            ValueError: if another row is not finite or has no direction;
                names it.
        """
        source = np.asarray(self._features[rows])
        block = np.empty(source.shape, np.float32)
        norm = np.empty(len(source), np.float32)
        for part in _parts(source):
            chunk = block[part]
            # torch converts half precision many times faster than numpy
            torch.from_numpy(chunk).copy_(_tensor(source[part]))
            if self.mean is not None:
                chunk -= self.mean
            np.sqrt(np.einsum('nd,nd->n', chunk, chunk), out=norm[part])
            with np.errstate(divide='ignore', invalid='ignore'):
                chunk /= norm[part, None]
            np.multiply(chunk, _STEPS, out=chunk)
            np.rint(chunk, out=chunk)
            np.multiply(chunk, 1 / _STEPS, out=chunk)
        good = np.isfinite(norm) & (norm > 0)
        if len(self.unreadable):
            empty = np.isin(_row_numbers(rows, len(self)), self.unreadable)
            block[empty] = 0
            good |= empty
        if not good.all():
            bad = np.flatnonzero(~good)
            raise ValueError(
                f'feature row {_row_numbers(rows, len(self))[bad[0]]} is '
                f'zero or not finite ({len(bad)} such rows in this block); '
                f'extract it again or drop the image from the table.'
            )
        return block

    def fingerprint(self) -> str:
        """Return a hash of origin, shape and all values."""
        state = [self.meta, self._features.shape, self.mean is not None]
        digest = hashlib.sha256(hash_value(state).encode())
        for start in range(0, len(self), _HASHED_ROWS):
            rows = self._features[start : start + _HASHED_ROWS]
            digest.update(np.ascontiguousarray(rows).data)
        return digest.hexdigest()[:16]

    def save(self, folder: str | Path) -> None:
        """Write the features as a store that ``open`` reads.

        Raises:
            ValueError: if a value is beyond float16.
        """
        if len(self) and not np.abs(self._features).max() < _MOST:
            raise ValueError(
                f'features must be finite and below {_MOST:.0f} to be kept '
                f'in float16; normalise them first.'
            )
        array = self.create(folder, self._features.shape, self.meta)
        array[:] = self._features
        array.flush()
        self.finish(folder, self.meta)

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
        for part in _parts(self._features):
            # unreadable rows are zero and add nothing
            chunk = _tensor(self._features[part]).double().numpy()
            total += chunk.sum(0)
            # less the mean, a row of zeros would have a direction
            if not (np.isfinite(total).all() and chunk.any(1).all()):
                self._refuse(part.start, chunk)
        readable = len(self) - len(self.unreadable)
        return (total / max(readable, 1)).astype(np.float32)

    def _refuse(self, start: int, chunk: np.ndarray) -> None:
        """Raise ValueError if a readable row is zero or not finite."""
        good = np.isfinite(chunk).all(1) & chunk.any(1)
        bad = start + np.flatnonzero(~good)
        bad = bad[~np.isin(bad, self.unreadable)]
        if len(bad):
            raise ValueError(
                f'feature row {bad[0]} is zero or not finite ({len(bad)} such '
                f'rows in this block); extract it again or drop the image '
                f'from the table.'
            )


def _parts(rows: np.ndarray) -> Iterator[slice]:
    """Yield slices that cover the rows, each of about ``_CHUNK`` values."""
    step = max(_CHUNK // max(rows.shape[1], 1), 1)
    for start in range(0, len(rows), step):
        yield slice(start, start + step)


def _tensor(rows: np.ndarray) -> torch.Tensor:
    # a copy, since torch warns of arrays that are read-only
    return torch.from_numpy(np.array(rows))


def _row_numbers(rows: slice | np.ndarray, num_rows: int) -> np.ndarray:
    """Return the row numbers that an index stands for."""
    if isinstance(rows, slice):
        return np.arange(*rows.indices(num_rows))
    rows = np.asarray(rows)
    if rows.dtype == bool:
        return np.flatnonzero(rows)
    return np.where(rows < 0, rows + num_rows, rows)


def _unreadable_rows(meta: dict[str, Any], num_rows: int) -> np.ndarray:
    rows = np.unique(np.array(meta.get('unreadable', []), np.int64))
    if len(rows) and not (rows[0] >= 0 and rows[-1] < num_rows):
        raise ValueError(
            f'unreadable rows must lie in [0, {num_rows}); they range from '
            f'{rows[0]} to {rows[-1]}.'
        )
    return rows
