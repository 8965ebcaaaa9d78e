"""Where images come from: a folder of files, tar files, or an LMDB."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

from mmcion.utils.checks import UserError

from .tar_images import TarImages, has_tars

# Not mmengine's LmdbBackend: it knows ASCII keys only, returns None for a
# missing one and keeps the parent's environment in forked workers.


class UnreadableImageError(UserError):
    """The bytes of an image are no image."""


class ImageReader(Protocol):
    """Encoded images by their path."""

    def read(self, path: str) -> bytes:
        """Return an encoded image.

        Raises:
            FileNotFoundError: if there is none; names root and path.
        """

    def entry(self, path: str) -> dict[str, Any]:
        """Return what a pipeline starts with for an image.

        ``img_path``, which names the image in logs and results, and
        ``img_bytes`` unless ``img_path`` is a file.
        """


def open_images(root: str | Path | None) -> ImageReader:
    """Return a reader of the images under ``root``.

    Args:
        root: an LMDB, which is a folder with ``data.mdb`` or a file; or a
            folder with tar files; or else a folder of image files. None:
            paths stand for themselves.

    Raises:
        FileNotFoundError: if ``root`` ends in ``.lmdb`` and is no LMDB, or
            has tar files without an index.
    """
    if root is None:
        return FolderImages(Path())
    root = Path(root)
    is_lmdb = root.is_file() or (root / 'data.mdb').is_file()
    if is_lmdb or root.suffix == '.lmdb':
        return LmdbImages(root)
    if has_tars(root):
        return TarImages(root)
    return FolderImages(root)


class FolderImages:
    """Images as files.

    Args:
        root: folder that paths are relative to.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        return (self.root / path).read_bytes()

    def entry(self, path: str) -> dict[str, Any]:
        """Return ``img_path``."""
        return {'img_path': str(self.root / path)}


class LmdbImages:
    """Images as values of an LMDB, whose keys are the paths in UTF-8.

    It is opened at the first read of each process, so that it can be handed
    to worker processes.

    Args:
        root: folder or file of the LMDB.

    Raises:
        FileNotFoundError: if there is none.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        if not (self.root.is_file() or (self.root / 'data.mdb').is_file()):
            raise FileNotFoundError(
                f'there is no LMDB at {root}: it must be a file or a folder '
                f'with data.mdb.'
            )

    def read(self, path: str) -> bytes:
        """Return the value of a key.

        Raises:
            FileNotFoundError: if the key is missing.
            ValueError: if the file is no LMDB or is truncated.
            ImportError: if the package lmdb is not installed.
        """
        key, environment = path.encode(), _environment(self.root)
        value = None
        if 0 < len(key) <= environment.max_key_size():
            with environment.begin() as transaction:
                value = transaction.get(key)
        if value is None:
            raise FileNotFoundError(f'the LMDB {self.root} has no key {path}')
        return value

    def entry(self, path: str) -> dict[str, Any]:
        """Return ``img_path``, root and key, and ``img_bytes``."""
        return {
            'img_path': str(self.root / path),
            'img_bytes': self.read(path),
        }


# An LMDB must not be open twice in a process, nor be used after a fork.
_OPEN: dict[Path, tuple[int, Any]] = {}


def _environment(root: Path) -> Any:
    root = root.resolve()
    pid, environment = _OPEN.get(root, (None, None))
    if pid == os.getpid():
        return environment
    if environment is not None:
        environment.close()  # this process's handle; the parent keeps its own
    environment = open_lmdb(root)
    _OPEN[root] = os.getpid(), environment
    return environment


def open_lmdb(root: Path) -> Any:
    """Open an LMDB for reading, once it is known to be whole.

    Raises:
        ValueError: if it is no LMDB or is truncated.
        ImportError: if the package lmdb is not installed.
    """
    try:
        import lmdb
    except ImportError as error:
        raise ImportError(
            f'reading images from {root} needs the package lmdb: '
            f'pip install lmdb'
        ) from error
    try:
        environment = lmdb.open(
            str(root),
            subdir=root.is_dir(),
            readonly=True,
            create=False,
            lock=False,
            readahead=False,
        )
    except lmdb.Error as error:
        raise ValueError(f'{root} is not a readable LMDB: {error}') from error
    # a page behind the end of the file would kill the process
    pages = environment.info()['last_pgno'] + 1
    needed = pages * environment.stat()['psize']
    file = root / 'data.mdb' if root.is_dir() else root
    if (size := file.stat().st_size) < needed:
        environment.close()
        raise ValueError(
            f'the LMDB {root} is truncated: {size} bytes of {needed}. Copy '
            f'it again; if it was like this from the start, mdb_copy -c '
            f'makes it whole.'
        )
    return environment
