"""Columns of a table from what callers give: paths and integers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

_BLOCK = 1 << 16  # paths encoded at a time


def encode_paths(paths: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Return ``(N,)`` UTF-8 bytes of paths.

    Beside the result only a block of rows is in memory: numpy's own way leads
    through four bytes per character.

    Args:
        paths: text, bytes or path objects; an array of bytes is returned as
            it is.

    Raises:
        TypeError: if a path is none of these.
        ValueError: if a path holds a NUL, which numpy would drop.
    """
    if isinstance(paths, np.ndarray) and paths.dtype.kind == 'S':
        return paths
    parts = []
    for start in range(0, len(paths), _BLOCK):
        block = paths[start : start + _BLOCK]
        encoded = [
            path if isinstance(path, bytes) else path.encode()
            for path in map(
                os.fspath,
                block.tolist() if isinstance(block, np.ndarray) else block,
            )
        ]
        if any(b'\0' in path for path in encoded):
            raise ValueError(
                f'a path of the rows from {start} on holds a NUL character.'
            )
        parts.append(np.array(encoded, np.bytes_))
    return join_paths(parts)


def join_paths(parts: list[np.ndarray]) -> np.ndarray:
    """Return one array of byte strings; ``parts`` is emptied on the way."""
    rows = sum(map(len, parts))
    width = max((part.dtype.itemsize for part in parts), default=1)
    paths = np.empty(rows, f'S{width}')
    while parts:
        part = parts.pop()
        paths[rows - len(part) : rows] = part
        rows -= len(part)
    return paths


def as_integers(name: str, values: Any, dtype: type[np.integer]) -> np.ndarray:
    """Return values as an integer column, and refuse to change any.

    Args:
        name: of the column, for messages.
        values: ``(N,)`` numbers.
        dtype: of the column.

    Raises:
        TypeError: if they are no numbers.
        ValueError: if a value is no whole number or does not fit; names the
            first one.
    """
    values = np.asarray(values)
    if values.dtype == dtype:
        return values
    if values.dtype.kind not in 'iuf':
        raise TypeError(
            f'{name} must be integers; got an array of {values.dtype}.'
        )
    info = np.iinfo(dtype)
    wrong = (values < info.min) | (values > info.max)
    if values.dtype.kind == 'f':
        # 2 ** 63 is a float, 2 ** 63 - 1 is none
        wrong |= ~(values < float(info.max) + 1) | (values != np.trunc(values))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f'{name} must be whole numbers that fit into {dtype.__name__}; '
            f'row {row} is {values[row]}.'
        )
    return values.astype(dtype)
