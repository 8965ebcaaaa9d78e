"""Convert paths and integers to the columns of a table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmcion.utils.checks import UserError

_BLOCK = 1 << 16  # paths encoded at a time


def encode_paths(paths: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Return ``(N,)`` UTF-8 bytes of paths.

    Beside the result only a block of rows is in memory: NumPy's own
    conversion needs four bytes per character.

    Args:
        paths: Text, bytes or path objects. An array of bytes is returned as
            it is.

    Raises:
        TypeError: If a path is none of these.
        UserError: If a path has a NUL character, which NumPy would drop.
    """
    if isinstance(paths, np.ndarray) and paths.dtype.kind == 'S':
        return paths
    parts = [np.zeros(0, 'S1')]  # so that no paths give an array, too
    for start in range(0, len(paths), _BLOCK):
        block = paths[start : start + _BLOCK]
        names = block.tolist() if isinstance(block, np.ndarray) else block
        encoded = [
            path if isinstance(path, bytes) else path.encode()
            for path in map(os.fspath, names)
        ]
        for path in encoded:
            if b'\0' in path:
                raise UserError(f'path {path!r} has a NUL character.')
        parts.append(np.array(encoded, np.bytes_))
    return join_parts(parts)


def join_parts(parts: list[np.ndarray]) -> np.ndarray:
    """Concatenate arrays along their rows, with little memory.

    Args:
        parts: At least one. The list is emptied on the way, so that no part
            stays beside its copy.
    """
    dtype = np.result_type(*{part.dtype for part in parts})
    stop = sum(map(len, parts))
    joined = np.empty((stop, *parts[0].shape[1:]), dtype)
    # from the end, which is where pop() is cheap
    while parts:
        part = parts.pop()
        joined[stop - len(part) : stop] = part
        stop -= len(part)
    return joined


def first_unsorted(keys: Sequence[np.ndarray]) -> int | None:
    """Return the first row below the row before it, None if all are sorted.

    Args:
        keys: ``(N,)`` each; later ones count where earlier ones are equal.
    """
    # of each pair of neighbours
    wrong = np.zeros(max(len(keys[0]) - 1, 0), bool)
    equal = ~wrong
    for key in keys:
        step = np.diff(key)
        wrong |= equal & (step < 0)
        equal &= step == 0
    return int(np.argmax(wrong)) + 1 if wrong.any() else None


def as_integers(name: str, values: Any, dtype: type[np.integer]) -> np.ndarray:
    """Return values as an integer column; none of them may change.

    Args:
        name: Name of the column, for messages.
        values: ``(N,)`` numbers.
        dtype: Type of the column.

    Raises:
        UserError: If they are not numbers, or one is not an integer that
            fits into ``dtype``.
    """
    values = np.asarray(values)
    if values.dtype == dtype:
        return values
    allowed = f'{name} must be integers that fit into {dtype.__name__}'
    if values.dtype.kind not in 'iuf':
        raise UserError(f'{allowed}; got an array of {values.dtype}.')
    info = np.iinfo(dtype)
    wrong = (values < info.min) | (values > info.max)
    if values.dtype.kind == 'f':
        # 2 ** 63 is a float, 2 ** 63 - 1 is none; NaN is below nothing
        wrong |= ~(values < float(info.max) + 1) | (values != np.trunc(values))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise UserError(f'{allowed}; row {row} is {values[row]}.')
    return values.astype(dtype)
