"""Read pickles without running the functions that they name."""

from __future__ import annotations

import collections
import pickle
import pickletools
import re
from collections.abc import Callable
from math import prod
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np

from .checks import UserError

# what takes the place of a class that only is an argument
_ARRAY_CLASS = 'numpy.ndarray'
# bool, integers, floats, bytes and text, without or with their size
_DTYPE_CODE = re.compile(r'[<>=|]?([biufSU]\d*|[?hHlLqQefd])')
_MEMO_CODES = {'PUT', 'BINPUT', 'LONG_BINPUT'}


class _PlainDtype:
    """A dtype in the making: the file can only choose its byte order."""

    __slots__ = ('dtype',)

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype = dtype

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])


class _PlainArray(np.ndarray):
    """An array that takes a checked state, and only once."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        _, shape, plain, fortran, data = state
        if isinstance(data, str):  # of protocols 0 to 2 of Python 2
            data = data.encode('latin1')
        _check_shape(shape, plain.dtype, data)
        if self.size:
            raise UnpicklingError('an array is given two values')
        super().__setstate__((1, shape, plain.dtype, fortran, data))

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle as an array of NumPy, for worker processes."""
        return self.view(np.ndarray).__reduce_ex__(protocol)


def _check_shape(shape: Any, dtype: np.dtype, data: Any) -> None:
    """Raise unless the data fill the shape, so that no file is a bomb."""
    sides = [side for side in shape if type(side) is int and side >= 0]
    size = prod(sides) * dtype.itemsize
    if len(sides) != len(shape) or size != len(data):
        raise UnpicklingError(f'{len(data)} bytes of {dtype} {shape}')


class _DataUnpickler(pickle.Unpickler):
    """Builds arrays and containers by functions of its own.

    They are bound methods: a pickle can call them, but not change them.
    Together they make at most what a file of ``size`` bytes can hold.
    """

    def __init__(self, file: Any, size: int) -> None:
        super().__init__(file, encoding='latin1')
        self._size = self._left = size
        self._makers: dict[str, Callable[..., Any] | str] = {
            'numpy.ndarray': _ARRAY_CLASS,
            'numpy.dtype': self._dtype,
            '_codecs.encode': self._bytes,
            'collections.OrderedDict': self._container(
                collections.OrderedDict
            ),
            'collections.defaultdict': self._defaultdict,
            'builtins.bytes': self._bytes,
            'builtins.bytearray': lambda *x: bytearray(self._bytes(*x)),
        }
        for kind in (list, dict, tuple, set, frozenset):
            name = f'builtins.{kind.__name__}'
            self._makers[name] = self._container(kind)
        # numpy moves these between versions
        for core in ('numpy.core', 'numpy._core'):
            self._makers |= {
                f'{core}.multiarray._reconstruct': self._array,
                f'{core}.multiarray.scalar': self._scalar,
                f'{core}.numeric._frombuffer': self._from_buffer,
            }

    def find_class(self, module: str, name: str) -> Any:
        path = f'{module.replace("__builtin__", "builtins")}.{name}'
        if path in self._makers:
            return self._makers[path]
        raise UnpicklingError(f'only arrays and containers are, not {path}')

    def _spend(self, size: int) -> None:
        # the file can name one value many times, and have each copied
        self._left -= size
        if self._left < 0:
            raise UnpicklingError('its content is larger than the file')

    def _container(self, kind: type) -> Callable[..., Any]:
        def make(items: Any = ()) -> Any:
            self._spend(len(items))
            return kind(items)

        return make

    def _defaultdict(self, factory: Any = None, items: Any = ()) -> Any:
        return collections.defaultdict(factory, self._container(dict)(items))

    def _bytes(self, value: Any = b'', encoding: str = 'latin1') -> bytes:
        self._spend(len(value))
        return bytes(value, 'latin1') if isinstance(value, str) else value[:]

    def _dtype(self, code: str, *_: Any) -> _PlainDtype:
        dtype = np.dtype(code) if _DTYPE_CODE.fullmatch(code) else None
        # even an empty array has one item in memory
        if dtype is None or dtype.itemsize > self._size:
            raise UnpicklingError(f'arrays of type {code!r} are not read')
        return _PlainDtype(dtype)

    def _array(self, *_: Any) -> np.ndarray:
        return np.ndarray.__new__(_PlainArray, (0,), 'b')

    def _scalar(self, plain: _PlainDtype, data: Any = b'') -> Any:
        return self._from_buffer(data, plain, (), 'C')[()]

    def _from_buffer(
        self, data: Any, plain: _PlainDtype, shape: Any, order: Any
    ) -> np.ndarray:
        data = data.encode('latin1') if isinstance(data, str) else data
        _check_shape(shape, plain.dtype, data)
        return np.ndarray(shape, plain.dtype, data, order=order)


def load_pickle(path: str | Path) -> Any:
    """Read a pickle of NumPy arrays and plain containers.

    Arrays are of booleans, numbers, bytes or text. The memory needed is
    bounded by the size of the file.

    Raises:
        FileNotFoundError: If the file is missing.
        UserError: If it is no pickle or needs any other function.
    """
    size = Path(path).stat().st_size
    with open(path, 'rb') as file:
        try:
            # the memo of Python's reader is as long as its largest index
            for code, index, _ in pickletools.genops(file):
                if code.name in _MEMO_CODES and int(index or 0) > size:
                    raise UnpicklingError(f'it has an index {index}')
            file.seek(0)
            return _DataUnpickler(file, size).load()
        except Exception as error:  # bad bytes raise nearly anything
            raise UserError(f'{path} was not read: {error}') from error
