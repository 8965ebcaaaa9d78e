"""Progress bars that are readable in log files, too."""

import sys
from collections.abc import Iterable
from typing import Any, TypeVar

from tqdm import tqdm

T = TypeVar('T')


def progress_bar(
    iterable: Iterable[T] | None = None, **options: Any
) -> 'tqdm[T]':
    """Make a progress bar that shows count, rate and ETA on stderr.

    On a terminal it redraws in place; elsewhere (log files, CI) it prints a
    line at most every ten seconds, so logs stay readable.

    Args:
        iterable: Items to iterate over; None for manual ``update`` calls.
        options: Options of ``tqdm``, such as ``total``, ``desc``, ``unit``.
    """
    interactive = sys.stderr.isatty()
    return tqdm(
        iterable,
        # seconds between two lines
        mininterval=0.2 if interactive else 10,
        maxinterval=10,
        dynamic_ncols=interactive,
        ncols=None if interactive else 80,
        **options,
    )
