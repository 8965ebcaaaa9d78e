"""Lists of images that come with an archive, a line for each."""

from __future__ import annotations

import re
from pathlib import Path

from .archive import check_listed


def read_image_list(
    file: Path, folder: Path, pattern: re.Pattern[str], example: str
) -> list[tuple[str, ...]]:
    """Read a list and look for its images.

    Args:
        file: the list; empty lines do not count.
        folder: that paths are relative to.
        pattern: must match a line as a whole; its first group is the path.
        example: of a line, for the error.

    Returns:
        The groups of every line.

    Raises:
        FileNotFoundError: if images are missing; names the first.
        ValueError: if a line is wrong; names it.
    """
    rows = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if not line.strip():
            continue
        found = pattern.fullmatch(line.strip())
        if found is None:
            raise ValueError(
                f'{file}, line {number}: must be like "{example}"; got '
                f'{line!r}'
            )
        rows.append(found.groups())
    check_listed(folder, [row[0] for row in rows], file)
    return rows
