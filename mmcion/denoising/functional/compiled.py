import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import torch

F = TypeVar('F', bound=Callable)

# Below this number of values a second thread costs more than it saves, and
# far more where other processes use the cores.
_MIN_VALUES_FOR_THREADS = 1 << 18
_MAX_THREADS = numba.get_num_threads()  # at import: all there are


def compiled(*, parallel: bool = False, **options: Any) -> Callable[[F], F]:
    """Compile a function with ``numba.njit``, cached on disk if possible.

    A parallel function runs on as many threads as torch, because launchers
    of several ranks set that number, or on one if its first array is small.

    Args:
        parallel: Whether its ``prange`` loops are split among threads. Such
            a function cannot be called by other compiled ones.
        options: Further options of ``numba.njit``.
    """

    def decorate(function: F) -> F:
        jit = functools.partial(numba.njit, parallel=parallel, **options)
        try:
            kernel = jit(cache=True)(function)
        except RuntimeError:  # neither the package nor the home is writable
            kernel = jit()(function)
        if not parallel:
            return cast(F, kernel)

        @functools.wraps(function)
        def run(*args: Any) -> Any:
            threads = min(torch.get_num_threads(), _MAX_THREADS)
            if args[0].size <= _MIN_VALUES_FOR_THREADS:
                threads = 1
            numba.set_num_threads(threads)
            # a kept function names the classes of its arguments, and cannot
            # be read any more once one of ours has moved: a plain tuple
            plain = (tuple(a) if isinstance(a, tuple) else a for a in args)
            return kernel(*plain)

        return cast(F, run)

    return decorate
