"""Loops compiled by numba, and how many threads they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import torch

# Below so many values a second thread costs more than it brings, and where
# others use the cores, waiting for it costs very much more.
_WORTH_SHARING = 1 << 18
_MOST = numba.get_num_threads()  # at the start: all there are


def compiled(**options: Any) -> Callable[[Callable], Any]:
    """Return numba's decorator; what it makes is kept on disk if possible.

    Where neither the package nor the user's home can be written to, every
    process compiles anew.

    Args:
        options: those of ``numba.njit``.
    """

    def decorate(function: Callable) -> Any:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # no place for the cache
            return numba.njit(**options)(function)

    return decorate


def set_threads(num_values: int) -> None:
    """Let the next loop use all of torch's threads, or one if it is short.

    Torch's number, because launchers of several ranks set that one.
    """
    threads = 1
    if num_values > _WORTH_SHARING:
        threads = min(torch.get_num_threads(), _MOST)
    numba.set_num_threads(threads)
