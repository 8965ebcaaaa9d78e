"""Images in uncompressed tar files, found through an index."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from mmcion.structures.column_folder import load_columns, save_columns

INDEX = 'index'
INDEX_COMMAND = 'python tools/dataset_converters/pack_images.py --index'
BLOCK = 512  # bytes of a tar's header, and what members are padded to
_KIND = 'TarIndex'
_SIZE_FIELD = slice(124, 136)


class TarImages:
    """Images as members of the tar files of a folder, by their names.

    An index of hashed names, sorted and memory-mapped, says where each image
    lies: it opens at once and is shared by worker processes. Reading shares
    no position in a file, so workers may be forked at any time.

    Args:
        root: folder with ``*.tar`` and ``index``.

    Raises:
        FileNotFoundError: if the index or a tar file is missing.
        ValueError: if a tar file has not the size it had when it was indexed.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        if not (self.root / INDEX).is_dir():
            raise FileNotFoundError(
                f'the tar files of {root} have no index. If packing them '
                f'was stopped, let the same command go on; else make it '
                f'with: {INDEX_COMMAND} {root}'
            )
        columns, header = load_columns(self.root / INDEX, _KIND)
        self._hash, self._shard = columns['hash'], columns['shard']
        self._offset, self._size = columns['offset'], columns['size']
        self._names: list[str] = header['shards']
        for name, size in zip(self._names, header['bytes'], strict=True):
            self._check(name, size)
        self._files: dict[int, BinaryIO] = {}

    def __len__(self) -> int:
        return len(self._hash)

    def __getstate__(self) -> Path:
        return self.root  # a spawned worker maps the index itself

    def __setstate__(self, root: Path) -> None:
        self.__init__(root)  # type: ignore[misc]

    def read(self, path: str) -> bytes:
        """Return the content of a member.

        Raises:
            FileNotFoundError: if there is no such member.
            ValueError: if the index is that of another tar file.
        """
        key = _hash(path.encode())
        row = int(np.searchsorted(self._hash, key))
        if row == len(self._hash) or self._hash[row] != key:
            raise FileNotFoundError(
                f'the tar files of {self.root} have no image {path}'
            )
        shard, size = int(self._shard[row]), int(self._size[row])
        data = os.pread(
            self._file(shard).fileno(),
            BLOCK + size,
            int(self._offset[row]) - BLOCK,
        )
        if len(data) < BLOCK + size or _member_size(data) != size:
            raise ValueError(
                f'{self.root / self._names[shard]} holds no image of {size} '
                f'bytes where the index expects {path}. {self._remedy()}'
            )
        return data[BLOCK:]

    def entry(self, path: str) -> dict[str, Any]:
        """Return ``img_path``, root and name, and ``img_bytes``."""
        return {
            'img_path': str(self.root / path),
            'img_bytes': self.read(path),
        }

    def _file(self, shard: int) -> BinaryIO:
        if shard not in self._files:
            path = self.root / self._names[shard]
            self._files[shard] = open(path, 'rb', buffering=0)  # noqa: SIM115
        return self._files[shard]

    def _check(self, name: str, expected: int) -> None:
        file = self.root / name
        if not file.is_file():
            raise FileNotFoundError(
                f'{file} is missing, which the index lists. Copy it again. '
                f'{self._remedy()}'
            )
        if (size := file.stat().st_size) != expected:
            raise ValueError(
                f'{file} has {size} bytes, the index was made of {expected}: '
                f'it is truncated or another file. {self._remedy()}'
            )

    def _remedy(self) -> str:
        return (
            f'If the tar files are as they should be, index them anew: '
            f'{INDEX_COMMAND} {self.root}'
        )


def has_tars(folder: Path) -> bool:
    """Whether images of a folder are in tar files.

    That is, whether it has an index, or nothing but tar files: archives that
    lie beside what was unpacked of them do not count.
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
    """List the files of a tar.

    Returns:
        Names, and ``(N, 2)`` int64 offset and size of their content.

    Raises:
        ValueError: if it is no uncompressed tar, or is truncated.
    """
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
        raise ValueError(
            f'{file} is not a whole, uncompressed tar file: {error}'
        ) from error
    return names, np.array(places, np.int64).reshape(-1, 2)


def write_index(
    root: str | Path,
    shards: Iterable[tuple[str, list[str], np.ndarray]],
) -> int:
    """Write the index of the tar files of a folder, atomically.

    Args:
        root: the folder.
        shards: name of each tar file, with what ``tar_members`` returns.

    Returns:
        The number of images.

    Raises:
        ValueError: if a name occurs twice.
    """
    root = Path(root)
    files, hashes, shard, places = [], [], [], [np.empty((0, 2), np.int64)]
    for number, (file, names, place) in enumerate(shards):
        files.append(file)
        found = [_hash(name.encode()) for name in names]
        hashes.append(np.array(found, np.uint64))
        shard.append(np.full(len(names), number, np.int32))
        places.append(place)
    key, shard_of = np.concatenate(hashes), np.concatenate(shard)
    offset, size = np.concatenate(places).T
    order = np.argsort(key, kind='stable')
    twice = np.flatnonzero(np.diff(key[order]) == 0)
    if len(twice):
        first = files[shard_of[order[twice[0]]]]
        raise ValueError(
            f'{len(twice)} images of {root} occur twice, the first of them '
            f'in {first}; names must be unique in all tar files together.'
        )
    columns = {'hash': key, 'shard': shard_of, 'offset': offset, 'size': size}
    header = {
        'shards': files,
        'bytes': [(root / file).stat().st_size for file in files],
    }
    save_columns(
        root / INDEX,
        _KIND,
        {name: column[order] for name, column in columns.items()},
        header,
    )
    return len(key)


def _hash(name: bytes) -> np.uint64:
    digest = hashlib.blake2b(name, digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, 'little'))


def _member_size(header: bytes) -> int:
    try:
        return int(header[_SIZE_FIELD].strip(b' \0') or b'-1', 8)
    except ValueError:
        return -1
