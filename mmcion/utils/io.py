"""Read and write files; a file is either complete or absent."""

import contextlib
import csv
import errno
import functools
import hashlib
import json
import os
import re
import reprlib
import shutil
import socket
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tokenize import TokenError
from types import UnionType
from typing import Any, TextIO, get_args, get_origin
from zipfile import BadZipFile

import numpy as np

from .checks import UserError, check_file

# name, machine, process, suffix; the next run removes those of dead processes
_LEFT_OVER = re.compile(
    r'\.(.+)\.([0-9a-f]{8})-(\d{1,9})-[0-9a-f]{8}\.(tmp|old)'
)
_MACHINE = f'{zlib.crc32(socket.gethostname().encode()):08x}'
# with less free than this, an error without a reason is that of a full disk
_NEARLY_FULL = 1 << 16
_BLOCK = 1 << 20  # bytes read or written at a time


class DiskFullError(OSError):
    """There is no space for a file; the message names it and its folder."""


@contextlib.contextmanager
def name_full_disk(path: str | Path) -> Iterator[None]:
    """Raise ``DiskFullError`` if the block cannot write a path for space."""
    path = Path(path).absolute()
    try:
        yield
    # NumPy's error has no number, PyTorch's is a RuntimeError
    except (OSError, RuntimeError) as error:
        free = 0
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(path.parent).free
        no_number = errno.ENOSPC if free <= _NEARLY_FULL else 0
        number = getattr(error, 'errno', None) or no_number
        known = isinstance(error, DiskFullError)
        if known or number not in (errno.ENOSPC, errno.EDQUOT):
            raise
        text = f'no space for {path.name} in {path.parent}: {free:,} bytes'
        raise DiskFullError(number, f'{text} are free') from error


def _beside(path: Path, suffix: str) -> Path:
    """Return a new hidden name beside a path, which says whose it is."""
    # on the same file system, so that renaming is atomic
    owner = f'{_MACHINE}-{os.getpid()}-{uuid.uuid4().hex[:8]}'
    return path.with_name(f'.{path.name}.{owner}.{suffix}')


@functools.lru_cache(maxsize=1000)  # once in a process
def _remove_left_overs(folder: Path) -> None:
    """Remove the temporary files of killed processes of this machine."""
    names: list[str] = []
    with contextlib.suppress(PermissionError):  # to list is not to write
        names = os.listdir(folder)
    for name in names:
        found = _LEFT_OVER.fullmatch(name)
        if found and found[2] == _MACHINE and not _is_alive(int(found[3])):
            path, target = folder / name, folder / found[1]
            with contextlib.suppress(OSError):  # another process does it, too
                if found[4] == 'old' and not target.exists():
                    os.replace(path, target)  # killed between two renames
                elif path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # of another user
    return True


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that replaces ``path`` if the block succeeds.

    Missing parent folders are created. On an error the temporary file is
    removed and ``path`` stays as it was. What killed processes left in the
    folder is removed.
    """
    path = Path(path)
    temporary = _beside(path, 'tmp')
    try:
        with name_full_disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_left_overs(path.parent.absolute())
            yield temporary
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield an empty temporary folder that replaces ``path`` on success.

    See ``atomic_file``.
    """
    path = Path(path)
    temporary, old = _beside(path, 'tmp'), _beside(path, 'old')
    try:
        with name_full_disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_left_overs(path.parent.absolute())
            temporary.mkdir()
            yield temporary
            # a folder with files in it cannot be replaced in one step
            if path.exists():
                os.replace(path, old)
            os.replace(temporary, path)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def open_text(path: str | Path) -> Iterator[TextIO]:
    """Open a UTF-8 text file, with or without a byte order mark.

    Line ends are kept, as ``csv`` wants them.
    """
    try:
        with open(path, encoding='utf-8-sig', newline='') as stream:
            yield stream
    except UnicodeDecodeError as error:
        # a mark of the byte order begins UTF-16
        kind = 'UTF-16' if error.object[:1] in b'\xff\xfe' else 'Latin-1'
        text = f'{path} is not UTF-8 text, maybe {kind}: {error}'
        raise UserError(f'{text}. Save it as UTF-8.') from error


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` atomically as indented JSON.

    Arrays and numbers of NumPy become lists and numbers.
    """

    def plain(item: Any) -> Any:
        if hasattr(item, 'tolist'):
            return item.tolist()
        raise TypeError(f'{type(item).__name__} cannot be written as JSON.')

    text = json.dumps(value, indent=1, default=plain)
    with atomic_file(path) as temporary:
        temporary.write_text(text + '\n')


def read_json(path: str | Path, form: Any = Any) -> Any:
    """Read a JSON file.

    Args:
        path: File to read.
        form: What it must hold: a type such as ``list[int]``, or types by the
            names of an object's fields, such as ``{'rows': int}``. A field
            that may be missing is ``int | None``; others are not checked.

    Raises:
        FileNotFoundError: If the file is missing.
        UserError: If it is not JSON, or of another form.
    """
    with open_text(path) as stream:
        text = stream.read()
    try:
        value = json.loads(text)
    # ValueError: numbers of thousands of digits, too
    except (ValueError, RecursionError) as error:
        raise UserError(f'{path} is not a JSON file: {error}') from error
    if wrong := _misfit(value, form):
        raise UserError(f'{path} is damaged or of another kind: {wrong}.')
    return value


def _misfit(value: Any, form: Any, name: str = 'it') -> str:
    """Return what of a JSON value is not of a form; empty if all is."""
    if isinstance(form, Mapping):
        if not isinstance(value, dict):
            return f'{name} must be an object; got {_short(value)}'
        fields = (_misfit(value.get(key), form[key], key) for key in form)
        return next(filter(None, fields), '')
    kind, inner = get_origin(form) or form, get_args(form)
    if kind is UnionType:
        misfits = [_misfit(value, each, name) for each in inner]
        return misfits[0] if all(misfits) else ''
    # a bool is an int for isinstance
    if form is not Any and type(value) is not (kind or type(None)):
        wanted = 'an object' if kind is dict else f'a {kind.__name__}'
        return f'{name} must be {wanted}; got {_short(value)}'
    items: Iterable[Any] = value.values() if kind is dict else value
    if kind in (list, dict) and inner:
        of_items = (_misfit(x, inner[-1], f'an item of {name}') for x in items)
        return next(filter(None, of_items), '')
    return ''


def _short(value: Any) -> str:
    return 'nothing' if value is None else reprlib.repr(value)


def write_csv(path: str | Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows atomically as CSV: UTF-8, with line ends of Unix."""
    with (
        atomic_file(path) as temporary,
        open(temporary, 'w', encoding='utf-8', newline='') as stream,
    ):
        csv.writer(stream, lineterminator='\n').writerows(rows)


def save_npy(path: str | Path, array: np.ndarray) -> None:
    """Write an array atomically as ``.npy``."""
    with atomic_file(path) as temporary, open(temporary, 'wb') as stream:
        np.save(stream, array)


def save_npz(path: str | Path, **arrays: Any) -> None:
    """Write arrays atomically as an uncompressed ``.npz``."""
    with atomic_file(path) as temporary, open(temporary, 'wb') as stream:
        np.savez(stream, **arrays)


# what np.load raises of a file that is cut short, or is none of NumPy's
_DAMAGES = (
    *(ValueError, EOFError, OSError, RuntimeError, TypeError),
    *(MemoryError, OverflowError, SyntaxError, BadZipFile, TokenError),
)


@contextlib.contextmanager
def _damage_is_named(path: str | Path, expected: str) -> Iterator[None]:
    """Raise ``UserError`` for whatever np.load raises of a damaged file."""
    check_file(path)
    try:
        yield
    except _DAMAGES as error:
        size = os.path.getsize(path)
        found = f'{path} is damaged, {size} bytes ({error})'
        raise UserError(f'{found}; expected {expected}.') from error


def load_npy(path: str | Path) -> np.ndarray:
    """Read an ``.npy`` file."""
    with _damage_is_named(path, 'an .npy file'), open(path, 'rb') as stream:
        return np.lib.format.read_array(stream)


def load_npz(path: str | Path) -> dict[str, np.ndarray]:
    """Read all arrays of an ``.npz`` file."""
    with _damage_is_named(path, 'an .npz file'), np.load(path) as file:
        return dict(file)


def map_npy(path: str | Path, shape: tuple[int, ...]) -> np.ndarray:
    """Memory-map an ``.npy`` file of a shape, read-only.

    The shape may have only its first dimensions.
    """
    with _damage_is_named(path, f'an array of shape {shape}'):
        # an empty array cannot be mapped
        array = np.load(path, mmap_mode='r' if shape[0] else None)
        if array.shape[: len(shape)] != shape:
            raise ValueError(f'its shape is {array.shape}')
        return array


def create_npy(
    path: str | Path, shape: tuple[int, ...], dtype: np.dtype | type
) -> np.memmap:
    """Create an ``.npy`` file of zeros and map it, to be written.

    Its space on the disk is reserved: a process that writes to a mapped file
    is killed by SIGBUS when the disk is full.
    """
    with atomic_file(path) as temporary:
        np.lib.format.open_memmap(temporary, 'w+', dtype, shape)
        with open(temporary, 'r+b') as stream:
            _reserve(stream.fileno(), os.path.getsize(temporary))
    return np.lib.format.open_memmap(path, 'r+')


def _reserve(file: int, size: int) -> None:
    """Reserve the space of a file that was just extended with zeros."""
    try:
        os.posix_fallocate(file, 0, size)
    except (AttributeError, OSError) as error:
        # not on macOS, nor on every file system
        if getattr(error, 'errno', None) in (errno.ENOSPC, errno.EDQUOT):
            raise
        for start in range(0, size, _BLOCK):
            # as it is: the header, then zeros
            os.pwrite(file, os.pread(file, _BLOCK, start), start)


def hash_file(path: str | Path) -> str:
    """Return the SHA-256 of a file as a hexadecimal string."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def hash_value(value: Any) -> str:
    """Return a short hash of a JSON-like value, independent of key order."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
