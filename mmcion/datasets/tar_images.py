"""Images in uncompressed tar files, found through an index."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mmcion.structures.column_folder import load_columns, save_columns
from mmcion.utils.checks import (
    UserError,
    check_file,
    check_folder,
    check_same_length,
)
from mmcion.utils.image_file import MissingImageError, UnreadableImageError
from mmcion.utils.paths import path_inside, printable

INDEX = 'index'
INDEX_COMMAND = 'python tools/dataset_converters/pack_images.py --index'
BLOCK = 512  # bytes of a tar's header, and what members are padded to
_KIND = 'TarIndex'
_COLUMNS = {'hash': 'u', 'shard': 'i', 'offset': 'i', 'size': 'i'}
_HEADER_FORM = {'shards': list[str], 'bytes': list[int]}
_SIZE_FIELD = slice(124, 136)


class TarImages:
    """Images as members of the tar files (shards) of a folder, by name.

    An index of hashed names, sorted and memory-mapped, holds the place of
    each image: it opens at once, and worker processes share it. Reading
    moves no position in a file, so workers may be forked at any time.

    Args:
        root: Folder with ``*.tar`` and ``index``.

    Raises:
        FileNotFoundError: If the index or a shard is missing.
        UserError: If a shard is not the indexed one.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        hint = (
            f'Resume packing, or index other tar files: {INDEX_COMMAND} {root}'
        )
        check_folder(self.root / INDEX, 'index of tar files', hint)
        columns, header = load_columns(
            self.root / INDEX, _KIND, _COLUMNS, _HEADER_FORM
        )
        check_same_length(shards=header['shards'], bytes=header['bytes'])
        check_same_length(**columns)
        # (N,) each, sorted by hash; offsets are those of the content
        self._hash, self._shard = columns['hash'], columns['shard']
        self._offset, self._size = columns['offset'], columns['size']
        # tar files are beside the index, whatever it names
        self._shards = [path_inside(self.root, n) for n in header['shards']]
        self._bytes: list[int] = header['bytes']
        for file, size in zip(self._shards, self._bytes, strict=True):
            check_file(file, 'tar file', self._hint)
            if (found := file.stat().st_size) != size:
                raise UserError(
                    f'{file} has {found} bytes instead of {size}. {self._hint}'
                )
        self._files: dict[int, BinaryIO] = {}

    def __reduce__(self) -> tuple[type[TarImages], tuple[Path]]:
        return TarImages, (self.root,)  # a spawned worker maps the index

    def read(self, path: str) -> bytes:
        """Return the content of a member."""
        key = _hash(os.fsencode(path))
        row = int(np.searchsorted(self._hash, key))
        if row == len(self._hash) or self._hash[row] != key:
            raise MissingImageError(f'{self.root} has no {printable(path)}')
        shard, size = int(self._shard[row]), int(self._size[row])
        # the header before the content says whether this is the member
        start, length = int(self._offset[row]) - BLOCK, BLOCK + size
        file, data = self.root / INDEX, b''
        try:
            # a damaged index may lead anywhere, or ask for all of the memory
            if 0 <= shard < len(self._shards) and (
                size >= 0 and 0 <= start <= self._bytes[shard] - length
            ):
                file = self._shards[shard]
                if shard not in self._files:
                    self._files[shard] = open(file, 'rb', buffering=0)  # noqa: SIM115
                data = os.pread(self._files[shard].fileno(), length, start)
        except OSError as error:
            raise UnreadableImageError(
                f'{printable(path)} cannot be read from {file}: {error}'
            ) from error
        if len(data) < length or _member_size(data) != size:
            raise UnreadableImageError(
                f'{file} has no image of {size} bytes where the index expects '
                f'{printable(path)}. {self._hint}'
            )
        return data[BLOCK:]

    @property
    def _hint(self) -> str:
        return (
            f'Copy it again, or if the tar files are as they should be, '
            f'index them again: {INDEX_COMMAND} {self.root}'
        )


def has_tars(folder: Path) -> bool:
    """Return whether a folder has an index, or nothing but tar files.

    Archives beside what was unpacked of them do not count.
    """
    if not folder.is_dir() or (folder / INDEX / 'table.json').is_file():
        return folder.is_dir()
    found = False
    with os.scandir(folder) as entries:
        for entry in entries:
            found |= entry.name.endswith('.tar')
            expected = entry.name.endswith(('.tar', '.json'))
            if not (expected or entry.name.startswith('.')):
                return False
    return found


def tar_members(file: str | Path) -> tuple[list[str], np.ndarray]:
    """Return the files of a tar: names, and ``(N, 2)`` offset and size."""
    names, places = [], []
    try:
        with tarfile.open(file, 'r:') as tar:
            for member in tar:
                if member.isreg():
                    names.append(member.name.removeprefix('./'))
                    places.append((member.offset_data, member.size))
                # or they all stay in memory
                tar.members = []  # type: ignore[attr-defined]
    except tarfile.TarError as error:
        raise UserError(
            f'{file} is no complete, plain tar: {error}'
        ) from error
    return names, np.array(places, np.int64).reshape(-1, 2)


def write_index(
    root: str | Path,
    shards: Iterable[tuple[str, list[str], np.ndarray]],
) -> int:
    """Write the index of the tar files of a folder, atomically.

    Args:
        root: Folder of the tar files.
        shards: Name of each tar file, and what ``tar_members`` returns.

    Returns:
        The number of images; none may occur twice.
    """
    root = Path(root)
    files, parts = [], []  # one entry per tar file
    for number, (file, names, places) in enumerate(shards):
        files.append(file)
        hashes = [_hash(os.fsencode(name)) for name in names]
        # (n, 2) -> two (n,)
        offset, size = np.array(places, np.int64).reshape(-1, 2).T
        shard = np.full(len(names), number, np.int32)
        parts.append((np.array(hashes, np.uint64), shard, offset, size))
    key, *others = map(np.concatenate, zip(*parts, strict=True))
    order = np.argsort(key, kind='stable')
    key, shard, offset, size = (column[order] for column in (key, *others))
    # 64 bits: among 4 million names two have one hash with probability 4e-7
    twice = np.flatnonzero(np.diff(key) == 0)
    if len(twice):
        file = root / files[shard[twice[0]]]
        raise UserError(f'{len(twice)} images occur twice, one in {file}.')
    columns = {'hash': key, 'shard': shard, 'offset': offset, 'size': size}
    sizes = [(root / file).stat().st_size for file in files]
    header = {'shards': files, 'bytes': sizes}
    save_columns(root / INDEX, _KIND, columns, header)
    return len(key)


def _hash(name: bytes) -> np.uint64:
    digest = hashlib.blake2b(name, digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, 'little'))


def _member_size(header: bytes) -> int:
    try:
        return int(header[_SIZE_FIELD].strip(b' \0') or b'-1', 8)
    except ValueError:
        return -1
