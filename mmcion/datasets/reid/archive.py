"""Find the folder of an unpacked archive and list its images."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

_ENDINGS = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')
_PACKED = ('.zip', '.tar', '.gz', '.tgz', '.rar', '.7z')
_MAX_DEPTH = 2
_NUM_SHOWN = 8
UNPACK_AGAIN = 'Has the archive been unpacked whole? Unpack it again.'


def find_archive(
    data_root: str | Path,
    names: Sequence[str],
    layouts: Sequence[Sequence[str]],
    remedy: str,
) -> tuple[Path, int]:
    """Find where an archive lies: in a folder, or in one below it.

    Args:
        data_root: where to look.
        names: of the archive's own folder, as found in the wild; case and
            the characters ``-_.`` do not matter.
        layouts: what has to be there, files and folders; the first layout
            that is complete is taken.
        remedy: how to get the data, for the error.

    Returns:
        The folder, and the number of the layout.

    Raises:
        FileNotFoundError: if no layout is complete; says what is missing
            where, and what is there instead.
        ValueError: if there are two copies, none of them in the other.
    """
    root = Path(data_root)
    if not root.is_dir():
        raise FileNotFoundError(f'there is no folder {root}. {remedy}')
    folders = list(_candidates(root, {_key(name) for name in names}))
    attempts, complete = [], []
    for folder in folders:
        for number, layout in enumerate(layouts):
            gone = [name for name in layout if not (folder / name).exists()]
            if not gone:
                complete.append((folder, number))
                break
            attempts.append((len(layout) - len(gone), folder, gone))
    if complete:
        _check_alone([folder for folder, _ in complete])
        return complete[0]
    # of equals the first: the layout that most users have
    num_found, folder, gone = max(attempts, key=lambda attempt: attempt[0])
    hint = f'{UNPACK_AGAIN} {remedy}' if num_found else remedy
    raise FileNotFoundError(
        f'{folder} lacks {", ".join(gone)}; it has {_content(folder)}. '
        f'Looked in {", ".join(map(str, folders))}. {hint}'
    )


def _check_alone(folders: list[Path]) -> None:
    """Raise if folders lie beside the first one."""
    first = folders[0].resolve()
    for folder in folders[1:]:
        if not folder.resolve().is_relative_to(first):
            raise ValueError(
                f'both {folders[0]} and {folder} are complete; set data_root '
                f'to the one that is meant.'
            )


def _key(name: str) -> str:
    return ''.join(letter for letter in name.lower() if letter not in '-_.')


def _candidates(
    folder: Path, keys: set[str], depth: int = 0
) -> Iterator[Path]:
    yield folder
    if depth == _MAX_DEPTH:
        return
    for below in sorted(folder.iterdir()):
        if _key(below.name) in keys and below.is_dir():
            yield from _candidates(below, keys, depth + 1)


def _content(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    text = ', '.join(names[:_NUM_SHOWN]) or 'nothing'
    if len(names) > _NUM_SHOWN:
        text += f' and {len(names) - _NUM_SHOWN} more'
    packed = [name for name in names if name.lower().endswith(_PACKED)]
    return f'{text} (unpack {packed[0]})' if packed else text


def image_names(folder: Path) -> list[str]:
    """Return the names of a folder's images, sorted.

    Hidden files, such as the ``._*`` of macOS, are no images.
    """
    with os.scandir(folder) as entries:
        return sorted(
            entry.name
            for entry in entries
            if entry.name.lower().endswith(_ENDINGS)
            and not entry.name.startswith('.')
        )


def list_images(folder: Path) -> list[str]:
    """Return the names of a folder's images, of which there must be some.

    Raises:
        FileNotFoundError: if there are none.
    """
    names = image_names(folder)
    if not names:
        raise FileNotFoundError(
            f'{folder} holds no image ({", ".join(_ENDINGS)}); it has '
            f'{_content(folder)}. {UNPACK_AGAIN}'
        )
    return names


def check_listed(folder: Path, paths: Sequence[str], source: Path) -> None:
    """Look for the images that a list names.

    Args:
        folder: that paths are relative to.
        paths: of the images.
        source: the list.

    Raises:
        FileNotFoundError: if some are missing; names the first.
    """
    names: dict[str, set[str]] = {}
    missing = []
    for path in paths:
        parent, _, name = path.rpartition('/')
        if parent not in names:
            below = folder / parent
            names[parent] = set(os.listdir(below)) if below.is_dir() else set()
        if name not in names[parent]:
            missing.append(path)
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} of {len(paths)} images that {source} names are '
            f'missing, such as {folder / missing[0]}. {UNPACK_AGAIN}'
        )
