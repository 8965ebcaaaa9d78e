"""Checksums of finished files, in ``checksums.json`` beside them.

CRC-32 notices damage and is as fast as memory: a core does 4 GB/s, of SHA-256
1.8, of BLAKE2b 0.9. It is no protection from forgery.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .checks import UserError, check_file
from .io import read_json, write_json
from .paths import path_inside

CHECKSUMS = 'checksums.json'
_BLOCK = 1 << 20  # bytes read at a time
OnBlock = Callable[[int], Any]


class Checksum:
    """Size and CRC-32 of bytes that come in blocks."""

    def __init__(self) -> None:
        self._size = self._crc = 0

    def update(self, block: Any) -> None:
        """Add a block: bytes, or a contiguous array's memory."""
        self._size += memoryview(block).nbytes
        self._crc = zlib.crc32(block, self._crc)

    def __str__(self) -> str:
        return f'{self._size} bytes, crc32 {self._crc:08x}'


def checksum_file(path: str | Path, on_block: OnBlock | None = None) -> str:
    """Return the checksum of a file; ``on_block`` gets sizes of its blocks."""
    checksum = Checksum()
    with open(check_file(path), 'rb', buffering=0) as stream:
        while block := stream.read(_BLOCK):
            checksum.update(block)
            if on_block:
                on_block(len(block))
    return str(checksum)


def write_checksums(
    folder: str | Path,
    files: Iterable[str],
    known: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write the checksums of files of a folder, after the last of them.

    Args:
        folder: Folder of the files.
        files: Names of the files; those that do not exist are left out.
        known: Checksums by name that were computed before.
    """
    folder = Path(folder)
    found = {
        name: known.get(name) or checksum_file(folder / name)
        for name in files
        if (folder / name).is_file()
    }
    write_json(folder / CHECKSUMS, found)


def update_checksums(folder: str | Path, files: Iterable[str]) -> None:
    """Add checksums of files that are new, drop those of files that are gone.

    A file keeps its checksum if it keeps its size, so that damage to it is
    still found. A folder without checksums is left without.

    Args:
        folder: Folder of the files.
        files: Names of the files, in addition to those with a checksum.
    """
    folder = Path(folder)
    known = {
        name: checksum
        for name, checksum in read_checksums(folder).items()
        if (folder / name).is_file()
        and checksum.startswith(f'{(folder / name).stat().st_size} bytes, ')
    }
    if (folder / CHECKSUMS).is_file():
        write_checksums(folder, dict.fromkeys([*known, *files]), known)


def read_checksums(folder: str | Path) -> dict[str, str]:
    """Return the checksums of a folder; none if an older version wrote it."""
    file = Path(folder) / CHECKSUMS
    return read_json(file, dict[str, str]) if file.is_file() else {}


def check_files(folder: str | Path, names: Collection[str]) -> None:
    """Compare files of a folder with their checksums, if it has any."""
    if listed := read_checksums(folder):
        for name in names:
            file = Path(folder) / name
            expected = listed.get(name, 'none for it')
            check_checksum(file, checksum_file(file), expected)


def check_checksum(path: str | Path, found: str, expected: str) -> None:
    """Raise ``UserError`` unless a file has its checksum."""
    if found != expected:
        raise UserError(
            f'{path} is damaged: it has {found}; {CHECKSUMS} has {expected}. '
            f'Copy it again; if the change is yours, delete {CHECKSUMS}.'
        )


def folders_with_results(root: str | Path) -> tuple[list[Path], list[Path]]:
    """Return the folders with checksums, and those of results without.

    All below ``root`` are searched, but for hidden ones.
    """
    found, without = [], []
    for folder, below, files in os.walk(root):
        below[:] = sorted(name for name in below if name[0] != '.')
        if CHECKSUMS in files:
            found.append(Path(folder))
        elif {'table.json', 'features.json'} & {*files}:
            without.append(Path(folder))
    return found, without


def damaged_files(
    folder: str | Path, on_block: OnBlock | None = None
) -> list[str]:
    """Return what is wrong with the files that ``checksums.json`` lists.

    ``on_block`` gets the number of bytes of every block that is read.
    """
    wrong = []
    for name, expected in read_checksums(folder).items():
        try:
            file = path_inside(folder, name)
            check_checksum(file, checksum_file(file, on_block), expected)
        except (UserError, OSError) as error:
            wrong.append(str(error))
    return wrong
