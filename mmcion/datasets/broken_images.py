"""BrokenImages: images that cannot be read, up to a limit."""

from __future__ import annotations

import logging

from mmengine.logging import print_log

from mmcion.utils.checks import check_at_least

from .image_reader import UnreadableImageError

_NUM_LISTED = 20


class BrokenImages:
    """Rows whose image is missing or undecodable; each is logged once.

    Every worker process counts its own.

    Args:
        limit: Largest number of them.

    Raises:
        UserError: If ``limit`` is negative.
    """

    def __init__(self, limit: int) -> None:
        check_at_least(0, max_broken=limit)
        self.limit = limit
        self._reasons: dict[int, str] = {}  # by row

    def __contains__(self, row: int) -> bool:
        return row in self._reasons

    def __len__(self) -> int:
        return len(self._reasons)

    def add(self, row: int, error: Exception) -> None:
        """Note a row.

        Args:
            row: Row of the annotation.
            error: What reading raised; names the image.

        Raises:
            UnreadableImageError: If there are more than the limit; lists
                them.
        """
        self._reasons[row] = str(error)
        if len(self) > self.limit:
            raise UnreadableImageError(
                f'{len(self)} broken images, more than max_broken '
                f'({self.limit}), in one worker:\n{self._list(self._reasons)}'
            ) from error
        # mmengine logs this level on all ranks
        print_log(
            f'broken image {len(self)} of at most {self.limit} in this '
            f'worker, another of its identity takes its place: {error}',
            'current',
            logging.ERROR,
        )

    def no_image_left(self, pid: int, rows: list[int]) -> UnreadableImageError:
        """Return the error of an identity that has only broken images."""
        return UnreadableImageError(
            f'all images of identity {pid} are broken; drop it from the '
            f'annotation or restore them:\n{self._list(rows)}'
        )

    def _list(self, rows: list[int] | dict[int, str]) -> str:
        lines = [f'row {row}: {self._reasons[row]}' for row in rows]
        more = len(lines) - _NUM_LISTED
        end = [f'and {more} more'] if more > 0 else []
        return '\n'.join(lines[:_NUM_LISTED] + end)
