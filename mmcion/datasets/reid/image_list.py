"""Lists of images that come with an archive, one per line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from mmcion.datasets.listed_images import find_missing
from mmcion.structures.columns import encode_paths
from mmcion.utils.checks import UserError
from mmcion.utils.io import open_text

from .archive import UNPACK_AGAIN


def read_image_list(
    file: Path, folder: Path, pattern: re.Pattern[str], example: str
) -> list[tuple[str, ...]]:
    """Return the groups of every line of a list of images.

    The pattern is that of a whole line; its first group is the path of an
    image that must exist below ``folder``.
    """
    rows = []
    # lists come with empty lines and spaces at the end
    with open_text(file) as stream:
        lines = stream.read().splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = pattern.fullmatch(line.strip())
        if found is None:
            raise UserError(
                f'{file}, line {number} must be like "{example}"; got {line!r}'
            )
        rows.append(found.groups())
    check_listed(folder, [row[0] for row in rows], file)
    return rows


def check_listed(folder: Path, paths: Sequence[str], source: Path) -> None:
    """Raise ``FileNotFoundError`` unless all paths of a list exist."""
    missing = find_missing(folder, encode_paths(paths))
    if len(missing):
        raise FileNotFoundError(
            f'{len(missing)} of {len(paths)} images in {source} are missing, '
            f'such as {folder / paths[missing[0]]}. {UNPACK_AGAIN}'
        )
