from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Csr(NamedTuple):
    """G lists of values, one after the other, as in sparse matrices.

    Two arrays, which compiled functions can read.

    Attributes:
        ptr: ``(G + 1,)``; list g is ``values[ptr[g]:ptr[g + 1]]``.
        values: ``(n,)``.
    """

    ptr: np.ndarray
    values: np.ndarray

    @classmethod
    def from_keys(cls, keys: np.ndarray, values: np.ndarray, num: int) -> Csr:
        """Group values by their key in 0..num-1, keeping their order."""
        # stable: values of a key stay in the given order
        order = np.argsort(keys, kind='stable')
        ptr = np.searchsorted(keys[order], np.arange(num + 1))
        return cls(ptr, values[order])

    @classmethod
    def from_identity(cls, identity: np.ndarray) -> Csr:
        """Group rows by identity 0..K-1; those with -1 are skipped."""
        rows = np.flatnonzero(identity >= 0)
        num = int(identity.max(initial=-1)) + 1
        return cls.from_keys(identity[rows], rows, num)

    @property
    def sizes(self) -> np.ndarray:
        """``(G,)`` number of values of every list."""
        return np.diff(self.ptr)

    def get(self, g: int) -> np.ndarray:
        """Return the values of list g."""
        return self.values[self.ptr[g] : self.ptr[g + 1]]

    def slice(self, first: int, last: int) -> Csr:
        """Return the lists from ``first`` to one before ``last``."""
        ptr = self.ptr[first : last + 1]
        return Csr(ptr - ptr[0], self.values[ptr[0] : ptr[-1]])

    def take(self, lists: np.ndarray) -> Csr:
        """Return the lists of these numbers."""
        ptr = np.append(0, np.cumsum(self.sizes[lists]))
        values = [self.values[:0], *map(self.get, lists)]
        return Csr(ptr, np.concatenate(values))
