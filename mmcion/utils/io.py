"""Read and write files; a file is either complete or absent."""

import codecs
import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO
from zipfile import BadZipFile

import numpy as np

from .checks import UserError


def _temporary(path: str | Path) -> tuple[Path, Path]:
    """Create the parent of a path; return path and a temporary beside it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # on the same file system, so that renaming is atomic
    return path, path.with_name(f'.{path.name}.{uuid.uuid4().hex[:8]}.tmp')


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that replaces ``path`` if the block succeeds.

    Missing parent folders are created. On an error the temporary file is
    removed and ``path`` stays as it was.
    """
    path, temporary = _temporary(path)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield an empty temporary folder that replaces ``path`` on success."""
    path, temporary = _temporary(path)
    temporary.mkdir()
    try:
        yield temporary
        # a folder with files in it cannot be replaced in one step
        _, old = _temporary(path)
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

    Raises:
        FileNotFoundError: If the file is missing.
        UserError: If it is of another encoding.
    """
    advice = 'Save it as UTF-8.'
    with open(path, 'rb') as binary:
        if binary.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise UserError(f'{path} is UTF-16 text. {advice}')
    try:
        with open(path, encoding='utf-8-sig', newline='') as stream:
            yield stream
    except UnicodeDecodeError as error:
        raise UserError(
            f'{path} is not UTF-8 text, maybe Latin-1: {error}. {advice}'
        ) from error


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


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        FileNotFoundError: If the file is missing.
        UserError: If it is not JSON.
    """
    try:
        return json.loads(Path(path).read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f'{path} is not a JSON file: {error}') from error


def save_npy(path: str | Path, array: np.ndarray) -> None:
    """Write an array atomically as ``.npy``."""
    with atomic_file(path) as temporary, open(temporary, 'wb') as stream:
        np.save(stream, array)


def save_npz(path: str | Path, **arrays: Any) -> None:
    """Write arrays atomically as an uncompressed ``.npz``."""
    with atomic_file(path) as temporary, open(temporary, 'wb') as stream:
        np.savez(stream, **arrays)


@contextlib.contextmanager
def _damage_is_named(path: str | Path, expected: str) -> Iterator[None]:
    """Raise ``UserError`` for whatever np.load raises of a damaged file."""
    try:
        yield
    except FileNotFoundError:
        raise
    # of a file that is cut short, or is none of NumPy's at all
    except (
        *(ValueError, EOFError, OSError, RuntimeError, TypeError),
        BadZipFile,
    ) as error:
        raise UserError(
            f'{path} is damaged, {os.path.getsize(path)} bytes ({error}); '
            f'expected {expected}. Write it again.'
        ) from error


def load_npz(path: str | Path) -> dict[str, np.ndarray]:
    """Read all arrays of an ``.npz`` file.

    Raises:
        FileNotFoundError: If the file is missing.
        UserError: If it is damaged or not such a file.
    """
    with _damage_is_named(path, 'an .npz file'), np.load(path) as file:
        return dict(file)


def load_npy(path: str | Path) -> np.ndarray:
    """Read an ``.npy`` file.

    Raises:
        FileNotFoundError: If the file is missing.
        UserError: If it is damaged or not such a file.
    """
    with _damage_is_named(path, 'an .npy file'):
        array = np.load(path)
        if not isinstance(array, np.ndarray):
            raise ValueError('it has several arrays')
        return array


def map_npy(path: str | Path, shape: tuple[int, ...]) -> np.ndarray:
    """Memory-map an ``.npy`` file, read-only.

    Args:
        path: File to map.
        shape: Expected shape, or its first dimensions.

    Raises:
        FileNotFoundError: If the file is missing.
        UserError: If it is damaged or of another shape.
    """
    with _damage_is_named(path, f'an array of shape {shape}'):
        # an empty array cannot be mapped
        array = np.load(path, mmap_mode='r' if shape[0] else None)
        if array.shape[: len(shape)] != shape:
            raise ValueError(f'its shape is {array.shape}')
        return array


def hash_file(path: str | Path) -> str:
    """Return the SHA-256 of a file as a hexadecimal string."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def hash_value(value: Any) -> str:
    """Return a short hash of a JSON-like value, independent of key order."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
