"""Convert paths and integers to the columns of a table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmcion.utils.checks import UserError

_BLOCK = 1 << 16  # paths encoded at a time
_VALUES = 1 << 20  # values checked at a time


def encode_paths(paths: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Return ``(N,)`` UTF-8 bytes of paths.

    Beside the result only a block of rows is in memory: NumPy's own
    conversion needs four bytes per character.

    Args:
        paths: Text, bytes or path objects. An array of bytes is returned as
            it is.
    """
    if isinstance(paths, np.ndarray) and paths.dtype.kind == 'S':
        return paths
    parts = [np.zeros(0, 'S1')]  # so that no paths give an array, too
    for start in range(0, len(paths), _BLOCK):
        block = paths[start : start + _BLOCK]
        names = block.tolist() if isinstance(block, np.ndarray) else block
        encoded = [
            path if isinstance(path, bytes) else os.fsencode(path)
            for path in map(os.fspath, names)
        ]
        for path in encoded:
            if b'\0' in path:  # NumPy would drop it at the end
                raise UserError(f'path {path!r} has a NUL character.')
        parts.append(np.array(encoded, np.bytes_))
    return join_parts(parts)


def join_parts(parts: list[np.ndarray]) -> np.ndarray:
    """Concatenate arrays along their rows, with little memory.

    The list ``parts`` is emptied on the way, so that no part stays beside its
    copy. It must not be empty.
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
    """Return the first row that sorts before its predecessor, if any.

    Args:
        keys: ``(N,)`` each; later ones count where earlier ones are equal.
    """
    # (N - 1,) of each row and the next
    wrong = np.zeros(max(len(keys[0]) - 1, 0), bool)
    equal = ~wrong
    for key in keys:
        step = np.diff(key)
        wrong |= equal & (step < 0)
        equal &= step == 0
    return int(np.argmax(wrong)) + 1 if wrong.any() else None


def as_floats(name: str, values: Any) -> np.ndarray:
    """Return an array or tensor of real numbers as floats.

    float64 stays, every other type becomes float32; float32 is not copied.
    Values may be NaN or infinite, see ``check_finite``.

    Raises:
        UserError: If values are masked, complex, text or objects.
    """
    if hasattr(values, 'detach'):
        # NumPy has no bfloat16, so a tensor is converted by torch
        values = values.detach().cpu()
        if values.is_floating_point() and values.element_size() < 4:
            values = values.float()
        values = values.numpy()
    array = as_array(name, values)
    # NumPy would drop the imaginary part, and read text
    if array.dtype.kind not in 'biuf':
        raise UserError(f'{name} must be real numbers; got {array.dtype}.')
    if array.dtype == np.float64:
        return array
    return array.astype(np.float32, copy=False)


def as_array(name: str, values: Any) -> np.ndarray:
    """Return values as an array; raise ``UserError`` if they are masked."""
    if np.ma.isMaskedArray(values):
        raise UserError(f'{name} {values.shape} is masked; give an array.')
    return np.asarray(values)


def check_finite(name: str, values: np.ndarray) -> None:
    """Raise ``UserError`` with the first row that has NaN or infinity."""
    # block by block, as a mask of all values would be large
    step = max(1, _VALUES // max(1, values[:1].size))
    for start in range(0, len(values), step):
        finite = np.isfinite(values[start : start + step])
        if not finite.all():
            row = start + int(np.argwhere(~finite)[0, 0])
            raise UserError(f'{name}[{row}] has NaN or infinity.')


def as_integers(name: str, values: Any, dtype: type[np.integer]) -> np.ndarray:
    """Return ``(N,)`` values as a column of integers.

    Raises:
        UserError: If a value would change; names column and row.
    """
    values = as_array(name, values)
    if values.dtype == dtype:
        return values
    allowed = f'{name} must be integers that fit into {dtype.__name__}'
    if values.dtype.kind not in 'iuf':
        raise UserError(f'{allowed}; got an array of {values.dtype}.')
    info = np.iinfo(dtype)
    wrong = (values < info.min) | (values > info.max)
    if values.dtype.kind == 'f':
        # as a float, the largest int64 is 2 ** 63; NaN is below nothing
        wrong |= ~(values < float(info.max) + 1) | (values != np.trunc(values))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise UserError(f'{allowed}; row {row} is {values[row]}.')
    return values.astype(dtype)
