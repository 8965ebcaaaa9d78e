"""Training images that cannot be read, and what takes their place."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmcion.utils.checks import check_at_least
from mmcion.utils.image_file import UnreadableImageError

_NUM_LISTED = 20  # broken images that an error lists


class BrokenImages:
    """Broken images that a process found; another of the identity is taken.

    A few broken images in millions need not end a run of days.

    Args:
        max_broken: Largest number of broken images per worker process.

    Attributes:
        reasons: Reason by row of the broken images.
    """

    def __init__(self, max_broken: int) -> None:
        check_at_least(0, max_broken=max_broken)
        self.max_broken = max_broken
        self.reasons: dict[int, str] = {}

    def load(
        self,
        row: int,
        read: Callable[[int], Any],
        pids: Callable[[], np.ndarray],
    ) -> Any:
        """Read a row, or else the next readable one of its identity.

        Args:
            row: Row that is asked for.
            read: Reads a row.
            pids: Returns the ``(N,)`` identities; called for a broken image
                only.

        Raises:
            UnreadableImageError: If too many images are broken, or all of
                the identity.
        """
        for candidate in self._candidates(row, pids):
            if candidate in self.reasons:
                continue
            try:
                return read(candidate)
            except UnreadableImageError as error:
                self._add(candidate, error)
        identities = pids()
        pid = int(identities[row])
        rows = np.flatnonzero(identities == pid).tolist()
        raise UnreadableImageError(
            f'all images of identity {pid} are broken:\n{self._list(rows)}'
        )

    def _candidates(
        self, row: int, pids: Callable[[], np.ndarray]
    ) -> Iterator[int]:
        """Yield a row, then the others of its identity, from it on."""
        yield row
        identities = pids()
        rows = np.flatnonzero(identities == identities[row])
        place = int(np.searchsorted(rows, row))
        yield from np.roll(rows, -place).tolist()[1:]

    def _add(self, row: int, error: Exception) -> None:
        """Log a broken image; raise if there are too many of them."""
        self.reasons[row] = str(error)
        count = len(self.reasons)
        if count > self.max_broken:
            raise UnreadableImageError(
                f'more than max_broken ({self.max_broken}) broken images in '
                f'one worker:\n{self._list(list(self.reasons))}'
            ) from error
        # mmengine logs this level on all ranks
        print_log(
            f'broken image {count} of at most {self.max_broken} in this '
            f'worker, another of its identity takes its place: {error}',
            'current',
            logging.ERROR,
        )

    def _list(self, rows: list[int]) -> str:
        lines = [f'row {row}: {self.reasons[row]}' for row in rows]
        if len(lines) > _NUM_LISTED:
            lines[_NUM_LISTED:] = [f'and {len(lines) - _NUM_LISTED} more']
        return '\n'.join(lines)
