"""Csr: lists of rows, one after the other, as in sparse matrices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Csr(NamedTuple):
    """G lists of values in two arrays, which compiled functions can read.

    Attributes:
        ptr: ``(G + 1,)``; list g is ``values[ptr[g]:ptr[g + 1]]``.
        values: ``(n,)``.
    """

    ptr: np.ndarray
    values: np.ndarray

    @classmethod
    def from_keys(cls, keys: np.ndarray, values: np.ndarray, num: int) -> Csr:
        """Group values by their key in 0..num-1, keeping their order."""
        order = np.argsort(keys, kind='stable')
        ptr = np.searchsorted(keys[order], np.arange(num + 1))
        return cls(ptr, values[order])

    @classmethod
    def from_identity(cls, identity: np.ndarray) -> Csr:
        """Group rows by identity 0..K-1; those with -1 are left out."""
        rows = np.flatnonzero(identity >= 0)
        num = int(identity.max(initial=-1)) + 1
        return cls.from_keys(identity[rows], rows, num)

    @property
    def sizes(self) -> np.ndarray:
        """``(G,)`` number of values of every list."""
        return np.diff(self.ptr)

    @property
    def keys(self) -> np.ndarray:
        """``(n,)`` index of the list of every value."""
        return np.repeat(np.arange(len(self.ptr) - 1), self.sizes)

    def get(self, g: int) -> np.ndarray:
        """Return the values of list g."""
        return self.values[self.ptr[g] : self.ptr[g + 1]]

    def slice(self, first: int, last: int) -> Csr:
        """Return the lists from ``first`` to one before ``last``."""
        ptr = self.ptr[first : last + 1]
        return Csr(ptr - ptr[0], self.values[ptr[0] : ptr[-1]])

    def take(self, lists: np.ndarray) -> Csr:
        """Return the lists with these indices, in this order."""
        sizes = self.sizes[lists]
        ptr = np.append(0, np.cumsum(sizes))
        # value i of the result is value i - ptr[g] of its list g
        place = np.arange(ptr[-1])
        place += np.repeat(self.ptr[lists] - ptr[:-1], sizes)
        return Csr(ptr, self.values[place])

    def select(self, keep: np.ndarray) -> Csr:
        """Return the values where ``keep``, ``(n,)`` bool, is set."""
        num_kept = np.append(0, np.cumsum(keep))  # (n + 1,)
        return Csr(num_kept[self.ptr], self.values[keep])
