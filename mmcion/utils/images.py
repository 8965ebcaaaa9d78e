"""List the image files of a folder."""

from __future__ import annotations

import os
from pathlib import Path

from .checks import check_folder

# what OpenCV decodes on every platform, as LoadImage does
IMAGE_SUFFIXES = frozenset(
    {'.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp'}
)

_OF_SYSTEMS = frozenset(
    {
        *('__MACOSX', '@eaDir', '#recycle', '#snapshot', 'lost+found'),
        *('$RECYCLE.BIN', 'System Volume Information'),
    }
)


def is_image_name(name: str) -> bool:
    """Return whether a file name has the suffix of an image.

    Hidden files, such as the ``._*`` of macOS, are not images.
    """
    # millions of names are tested, and os.path.splitext is slow
    _, dot, suffix = name.rpartition('.')
    return dot + suffix.lower() in IMAGE_SUFFIXES and name[0] != '.'


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is none of the user's data.

    Operating systems and disks make them, some with small copies of images.
    """
    return name.startswith('.') or name in _OF_SYSTEMS


def list_images(
    folder: str | Path, *, recursive: bool = True, hint: str = ''
) -> list[str]:
    """List the images of a folder, in the same order on every machine.

    Hidden files and folders are skipped, links to folders not followed.

    Args:
        folder: Folder to list.
        recursive: Whether to list the folders below as well.
        hint: What to do if there is no image, for the error.

    Returns:
        Paths relative to ``folder`` with forward slashes, sorted by bytes.
    """
    folder = check_folder(folder, hint=hint)
    found: list[str] = []
    for place, below, names in os.walk(folder):
        below[:] = [
            name for name in below if recursive and not is_hidden(name)
        ]
        inside = Path(place).relative_to(folder).as_posix()
        prefix = '' if inside == '.' else f'{inside}/'
        found += [prefix + name for name in names if is_image_name(name)]
    if not found:
        kinds = f'image ({", ".join(sorted(IMAGE_SUFFIXES))})'
        raise FileNotFoundError(f'{folder} has no {kinds}. {hint}'.rstrip())
    # names that are not UTF-8 have no order as text
    return sorted(found, key=os.fsencode)
