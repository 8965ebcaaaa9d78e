"""Read pickles without running the functions that they name."""

import codecs
import collections
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from .checks import UserError

# numpy moves these between versions, so they are taken from a pickle
_ARRAY_MAKER = np.ones(1).__reduce__()[0]
_BUFFER_READER = np.ones(1).__reduce_ex__(5)[0]
_SCALAR_MAKER = np.float32(1).__reduce__()[0]

_ALLOWED = {
    ('numpy', 'ndarray'): np.ndarray,
    ('numpy', 'dtype'): np.dtype,
    ('_codecs', 'encode'): codecs.encode,
    ('collections', 'OrderedDict'): collections.OrderedDict,
    ('collections', 'defaultdict'): collections.defaultdict,
}
for _core in ('numpy.core', 'numpy._core'):
    _ALLOWED[f'{_core}.multiarray', '_reconstruct'] = _ARRAY_MAKER
    _ALLOWED[f'{_core}.multiarray', 'scalar'] = _SCALAR_MAKER
    _ALLOWED[f'{_core}.numeric', '_frombuffer'] = _BUFFER_READER
for _builtins in ('builtins', '__builtin__'):
    for _type in (list, dict, tuple, set, frozenset, bytes, bytearray):
        _ALLOWED[_builtins, _type.__name__] = _type


class _DataUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        raise pickle.UnpicklingError(
            f'only numpy arrays and containers are read, not {module}.{name}'
        )


def load_pickle(path: str | Path) -> Any:
    """Read a pickle of NumPy arrays and plain containers.

    Raises:
        FileNotFoundError: If the file is missing.
        UserError: If it is no pickle or needs any other function.
    """
    with open(path, 'rb') as file:
        try:
            return _DataUnpickler(file, encoding='latin1').load()
        except Exception as error:  # bad bytes raise nearly anything
            raise UserError(f'{path} was not read: {error}') from error
