"""Progress bars that are readable in log files, too."""

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
        iterable: Items to iterate over; None for manual ``update`` calls.
        total: Number of items, if ``iterable`` has no length.
        desc: Name of the work.
        unit: Name of one item, for the rate.
        kwargs: Options of ``tqdm``.
    """
    interactive = sys.stderr.isatty()
    return tqdm(
        iterable,
        total=total,
        desc=desc,
        unit=unit,
        # seconds between two lines
        mininterval=0.2 if interactive else 10,
        maxinterval=10,
        dynamic_ncols=interactive,
        ncols=None if interactive else 80,
        **kwargs,
    )
