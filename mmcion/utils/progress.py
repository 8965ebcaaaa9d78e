"""Progress of long work: rate and time left, also in log files."""

import sys
from collections.abc import Iterable
from typing import Any, TypeVar

from tqdm import tqdm

T = TypeVar('T')


def progress_bar(
    iterable: Iterable[T] | None = None,
    *,
    total: int | None = None,
    desc: str = '',
    unit: str = 'it',
    **kwargs: Any,
) -> 'tqdm[T]':
    """Make a progress bar that shows count, rate and ETA on stderr.

    On a terminal it redraws in place; elsewhere (log files, CI) it prints a
    line at most every ten seconds, so logs stay readable.

    Args:
        iterable: what to iterate over; None for manual ``update`` calls.
        total: number of items, where ``len(iterable)`` does not tell.
        desc: what is being done.
        unit: name of one item, for the rate.
        kwargs: passed on to ``tqdm``.
    """
    interactive = sys.stderr.isatty()
    return tqdm(
        iterable,
        total=total,
        desc=desc,
        unit=unit,
        mininterval=0.2 if interactive else 10,
        maxinterval=10,
        dynamic_ncols=interactive,
        ncols=None if interactive else 80,
        **kwargs,
    )
