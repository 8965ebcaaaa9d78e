"""FeatureStore: one feature per row of a table, memory-mapped."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmcion.utils.checks import UserError, check_file
from mmcion.utils.checksums import (
    CHECKSUMS,
    Checksum,
    check_checksum,
    check_files,
    read_checksums,
    write_checksums,
)
from mmcion.utils.io import (
    create_npy,
    hash_value,
    map_npy,
    read_json,
    write_json,
)

from .columns import as_array, as_integers
from .tracklet_table import TrackletTable

# Values converted at a time: they stay in the processor's cache, and torch
# needs no other thread for them, which forked processes could not wake.
_CHUNK = (1 << 15) - 1
# Values are multiples of 2^-24, so float64 holds sums of up to 2^28 rows
# exactly, and their order cannot matter.
_STEPS = np.float32(1 << 24)
_HASHED_ROWS = 1 << 16  # at a time
_LARGEST = float(np.finfo(np.float16).max)
_META_FORM = {
    'rows': int,
    'dim': int,
    'table': str | None,
    'unreadable': list[int] | None,
}


class FeatureStore:
    """``(N, D)`` float16 features on disk, row i = row i of the table.

    Rows are returned as float32, L2-normalised. With ``center=True`` the mean
    of all rows is subtracted before normalising, which removes what all
    images have in common and helps every extractor (ours).

    Values are rounded to multiples of 2^-24, which makes float64 sums of rows
    exact: they do not depend on the order, the blocks or the ranks.

    Rows of images that could not be read are zero on disk and when returned.

    Args:
        features: ``(N, D)`` array of any real type, in memory or mapped.
        meta: What the features were extracted with; ``unreadable`` lists rows
            without a feature.
        center: Whether to subtract the mean.

    Attributes:
        meta: As given.
        mean: ``(D,)`` float32, or None without ``center``.
        unreadable: ``(m,)`` int64, sorted rows without a feature.
    """

    ARRAY, META = 'features.npy', 'features.json'

    def __init__(
        self,
        features: np.ndarray,
        meta: dict[str, Any] | None = None,
        *,
        center: bool = False,
    ) -> None:
        as_array('features', features)  # refuses masked ones
        if features.ndim != 2 or features.dtype.kind not in 'fiu':
            found = f'{features.shape} of {features.dtype}'
            raise UserError(f'features must be (N, D); got {found}.')
        if not features.dtype.isnative or features.dtype.itemsize > 8:
            features = features.astype(np.float64)  # what torch can convert
        self._features = features
        self.meta = dict(meta or {})
        listed = as_integers(
            'unreadable', self.meta.get('unreadable', ()), np.int64
        )
        self.unreadable = np.unique(listed)
        wrong = (self.unreadable < 0) | (self.unreadable >= len(self))
        if wrong.any():
            row = f'unreadable row {self.unreadable[wrong][0]}'
            raise UserError(f'{row} is beyond the {len(self)} rows.')
        # the file and its checksum, compared when all of it is read
        self._source: tuple[Path, str] | None = None
        self.mean = self._compute_mean() if center else None

    @classmethod
    def create(cls, folder: str | Path, shape: tuple[int, int]) -> np.memmap:
        """Create the array of a store, or reopen one that is unfinished.

        Ranks may write disjoint row ranges of it, then ``finish`` the store.
        An array of the same shape keeps its values, others become zeros.
        """
        folder = Path(folder)
        for name in (cls.META, CHECKSUMS):
            (folder / name).unlink(missing_ok=True)
        array = folder / cls.ARRAY
        if array.exists():
            with contextlib.suppress(UserError):  # a kill
                if map_npy(array, shape).dtype == np.float16:
                    return np.lib.format.open_memmap(array, mode='r+')
        return create_npy(array, shape, np.float16)

    @classmethod
    def finish(cls, folder: str | Path, meta: dict[str, Any]) -> None:
        """Declare a created store complete; see the class for ``meta``."""
        folder = Path(folder)
        rows, dim = np.load(folder / cls.ARRAY, mmap_mode='r').shape
        write_json(folder / cls.META, {'rows': rows, 'dim': dim, **meta})
        write_checksums(folder, [cls.ARRAY, cls.META])

    @classmethod
    def open(cls, folder: str | Path, *, center: bool = False) -> FeatureStore:
        """Open a finished store.

        Raises:
            FileNotFoundError: If there is none that is finished.
            UserError: If the array is damaged or of another shape.
        """
        file = check_file(
            Path(folder) / cls.META,
            'description of finished features',
            'Run tools/extract_features.py to its end.',
        )
        meta = read_json(file, _META_FORM)
        check_files(folder, [cls.META])
        path = file.with_name(cls.ARRAY)
        array = map_npy(path, (meta['rows'], meta['dim']))
        store = cls(array, meta)
        expected = read_checksums(folder).get(cls.ARRAY)
        # only if the values are there as they lie in the file
        if expected and store._features is array and array.flags.c_contiguous:
            store._source = path, expected
        return store.centered() if center else store

    def centered(self) -> FeatureStore:
        """Return the same features, with their mean subtracted."""
        if self.mean is not None:
            return self
        store = FeatureStore(self._features, self.meta, center=True)
        store._source = self._source
        return store

    def __len__(self) -> int:
        return len(self._features)

    @property
    def dim(self) -> int:
        """Dimensions D of a feature."""
        return self._features.shape[1]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return rows as ``(n, D)`` float32 unit vectors.

        A row does not depend on which other rows are requested.

        Raises:
            UserError: If a row that is not ``unreadable`` is zero or not
                finite.
        """
        source = np.asarray(self._features[rows])  # (n, D) of any type
        block = np.empty(source.shape, np.float32)
        norm = np.empty(len(source), np.float32)
        for part in _chunks(source):
            chunk = block[part]
            # torch converts half precision many times faster than numpy
            torch.from_numpy(chunk).copy_(_as_tensor(source[part]))
            if self.mean is not None:
                chunk -= self.mean
            np.sqrt(np.einsum('nd,nd->n', chunk, chunk), out=norm[part])
            # a power of two: as exact before the division as after it
            with np.errstate(divide='ignore', invalid='ignore'):
                chunk /= norm[part, None] / _STEPS
            np.rint(chunk, out=chunk)
            np.multiply(chunk, 1 / _STEPS, out=chunk)
        bad = ~(np.isfinite(norm) & (norm > 0))  # (n,)
        if len(self.unreadable) or bad.any():
            if isinstance(rows, slice):
                index = np.arange(*rows.indices(len(self)))  # (n,)
            elif (rows := np.asarray(rows)).dtype == bool:
                index = np.flatnonzero(rows)
            else:
                index = rows % len(self)
            # less the mean, rows without a feature would have a direction
            empty = np.isin(index, self.unreadable)
            block[empty] = 0
            _check_rows(index[bad & ~empty])
        return block

    def as_rows(self, features: np.ndarray) -> np.ndarray:
        """Return other features as if they were rows of this store.

        They are rounded to half precision and centred as its rows are.

        Args:
            features: ``(n, D)``, as the same extractor returns them.
        """
        others = FeatureStore(np.asarray(features, np.float16))
        others.mean = self.mean
        return others[:]

    def fingerprint(self) -> str:
        """Return a hash of origin, shape and values, and check the file."""
        checksum = Checksum()
        if self._source:  # the header, which comes before the values
            with open(self._source[0], 'rb') as stream:
                size = os.fstat(stream.fileno()).st_size
                checksum.update(stream.read(size - self._features.nbytes))
        # the transforms are hashed as "pipeline" already
        meta = {k: v for k, v in self.meta.items() if k != 'transforms'}
        state = [meta, self._features.shape, self.mean is not None]
        digest = hashlib.sha256(hash_value(state).encode())
        for start in range(0, len(self), _HASHED_ROWS):
            rows = self._features[start : start + _HASHED_ROWS]
            data = np.ascontiguousarray(rows).data
            digest.update(data)
            if self._source:
                checksum.update(data)
        if self._source:
            path, expected = self._source
            check_checksum(path, str(checksum), expected)
        return digest.hexdigest()[:16]

    def save(self, folder: str | Path) -> None:
        """Write the features as a store that ``open`` reads."""
        if len(self) and not np.abs(self._features).max() < _LARGEST:
            raise UserError(f'float16 needs values below {_LARGEST:.0f}.')
        array = self.create(folder, self._features.shape)
        array[:] = self._features
        array.flush()
        self.finish(folder, self.meta)

    def check_table(self, table: TrackletTable) -> None:
        """Raise ``UserError`` unless the features are those of a table."""
        own = table.fingerprint()
        found = self.meta.get('table', own)  # none if not made by mmcion
        if (len(self), found) != (len(table), own):
            raise UserError(
                f'features of another table: {len(self)} rows, the table has '
                f'{len(table)} (fingerprints {found}, {own}).'
            )

    def _compute_mean(self) -> np.ndarray:
        """Return the mean of the readable rows, ``(D,)`` float32."""
        total = np.zeros(self.dim)
        for part in _chunks(self._features):
            # unreadable rows are zero and add nothing
            chunk = _as_tensor(self._features[part]).double().numpy()
            total += chunk.sum(0)
            # without the mean, a row of zeros would get a direction
            if not (np.isfinite(total).all() and chunk.any(1).all()):
                good = np.isfinite(chunk).all(1) & chunk.any(1)
                bad = part.start + np.flatnonzero(~good)
                _check_rows(bad[~np.isin(bad, self.unreadable)])
        readable = len(self) - len(self.unreadable)
        return (total / max(readable, 1)).astype(np.float32)


def _check_rows(bad: np.ndarray) -> None:
    if len(bad):
        raise UserError(
            f'features are zero or not finite in row {bad[0]}'
            f'{" and others" if len(bad) > 1 else ""}: extract them again, '
            f'or leave out these images.'
        )


def _chunks(rows: np.ndarray) -> Iterator[slice]:
    """Yield slices that cover the rows, each of about ``_CHUNK`` values."""
    step = max(_CHUNK // max(rows.shape[1], 1), 1)
    for start in range(0, len(rows), step):
        yield slice(start, start + step)


def _as_tensor(rows: np.ndarray) -> torch.Tensor:
    # a copy, since torch warns of arrays that are read-only
    return torch.from_numpy(np.array(rows))
