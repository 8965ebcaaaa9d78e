"""Find the folder of an unpacked archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmcion.utils.checks import UserError, check_folder, join_names

_PACKED = ('.zip', '.tar', '.gz', '.tgz', '.rar', '.7z')
_MAX_DEPTH = 2
_NUM_SHOWN = 8
ON_REQUEST = (
    'Its authors provide the data set on request; unpack it and set data_root '
    'to the folder.'
)
UNPACK_AGAIN = 'Has the archive been unpacked completely? Unpack it again.'


def find_archive(
    data_root: str | Path,
    names: Sequence[str],
    layouts: Sequence[Sequence[str]],
    hint: str,
) -> tuple[Path, int]:
    """Find where an archive was unpacked: in a folder, or in one below it.

    Args:
        data_root: Folder to look in.
        names: Names of the archive's own folder; case and the characters
            ``-_.`` do not matter.
        layouts: Files and folders of each form of the archive, the preferred
            form first.
        hint: How to get the data, for the error.

    Returns:
        The folder, and the index of the first layout that is complete in it.

    Raises:
        FileNotFoundError: If none is complete; states what is missing.
        UserError: If there are two copies, none of them in the other.
    """
    root = check_folder(data_root, hint=hint)
    folders = list(_folders(root, {_key(name) for name in names}))
    # (number of names found, folder, missing names), and (folder, index)
    attempts, complete = [], []
    for folder in folders:
        for number, layout in enumerate(layouts):
            missing = [name for name in layout if not (folder / name).exists()]
            if not missing:
                complete.append((folder, number))
                break
            attempts.append((len(layout) - len(missing), folder, missing))
    # one copy may contain another, as a repack in the folder of the original
    for folder, _ in complete[1:]:
        first = complete[0][0]
        if not folder.resolve().is_relative_to(first.resolve()):
            raise UserError(f'both {first} and {folder} fit: set data_root.')
    if complete:
        return complete[0]
    # max returns the first of equals: the preferred layout
    num_found, folder, missing = max(attempts, key=lambda attempt: attempt[0])
    if num_found:
        hint = f'{UNPACK_AGAIN} {hint}'
    found = sorted(path.name for path in folder.iterdir())
    packed = [name for name in found if name.lower().endswith(_PACKED)]
    raise FileNotFoundError(
        f'{folder} is missing {", ".join(missing)}; it has '
        f'{join_names(found, most=_NUM_SHOWN) or "nothing"}'
        f'{f" (unpack {packed[0]})" if packed else ""}. Looked in '
        f'{", ".join(map(str, folders))}. {hint}'
    )


def _folders(folder: Path, keys: set[str], depth: int = 0) -> Iterator[Path]:
    """Yield a folder and those below it that are named like the archive."""
    yield folder
    if depth < _MAX_DEPTH:
        for below in sorted(folder.iterdir()):
            if _key(below.name) in keys and below.is_dir():
                yield from _folders(below, keys, depth + 1)


def _key(name: str) -> str:
    return ''.join(letter for letter in name.lower() if letter not in '-_.')
