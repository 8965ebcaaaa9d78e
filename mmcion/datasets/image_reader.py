"""Read images from a folder of files, tar files, or an LMDB."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeAlias

from mmcion.utils.checks import UserError, check_file, optional_import
from mmcion.utils.image_file import (
    MissingImageError,
    UnreadableImageError,
    read_image_file,
)
from mmcion.utils.paths import printable

from .tar_images import TarImages, has_tars


def image_entry(images: ImageReader, path: str) -> dict[str, Any]:
    """Return the first input of a pipeline.

    It has ``img_path``, which names the image in logs and results, and
    ``img_bytes`` unless ``img_path`` is a file.
    """
    entry: dict[str, Any] = {'img_path': str(images.root / path)}
    if not isinstance(images, FolderImages):
        entry['img_bytes'] = images.read(path)
    return entry


def open_images(root: str | Path | None) -> ImageReader:
    """Return a reader of the images under ``root``.

    Args:
        root: LMDB (file, or folder with ``data.mdb``), folder of tar files
            with an index, or folder of image files. None if paths need no
            root.
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
    """Images as files in a folder."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        return read_image_file(self.root / path)


# Not mmengine's LmdbBackend: it knows ASCII keys only, returns None for a
# missing one and keeps the parent's environment in forked workers.

# An LMDB must not be open twice in a process, nor be used after a fork.
_OPEN: dict[Path, tuple[int, Any]] = {}


class LmdbImages:
    """Images as values of an LMDB, whose keys are the paths in UTF-8.

    Each process opens it at its first read, so that it can be passed to
    worker processes.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        if not self.root.is_file():
            hint = 'An LMDB must be a file or a folder with data.mdb.'
            check_file(self.root / 'data.mdb', 'LMDB', hint)

    def read(self, path: str) -> bytes:
        """Return the value of a key."""
        root = self.root.resolve()
        environment: Any
        pid, environment = _OPEN.get(root, (0, None))
        if pid != os.getpid():
            if environment is not None:
                environment.close()  # the parent process keeps its own
            environment = open_lmdb(root)
            _OPEN[root] = os.getpid(), environment
        key = os.fsencode(path)
        value = None
        # lmdb raises errors for keys of another length
        if 0 < len(key) <= environment.max_key_size():
            import lmdb  # optional, and there, as it is open

            try:
                with environment.begin() as transaction:
                    value = transaction.get(key)
            except lmdb.Error as error:
                raise UnreadableImageError(
                    f'{printable(path)} in {self.root} is damaged: {error}'
                ) from error
        if value is None:
            raise MissingImageError(
                f'{self.root} has no key {printable(path)}'
            )
        return value


# Each has a root, and read(path), which raises UnreadableImageError.
ImageReader: TypeAlias = FolderImages | LmdbImages | TarImages


def open_lmdb(root: Path) -> Any:
    """Open an LMDB for reading, after checking that it is complete.

    Raises:
        UserError: If it is not an LMDB or is truncated.
    """
    with optional_import(str(root), 'pip install lmdb'):
        import lmdb
    try:
        flags = {'create': False, 'lock': False, 'readahead': False}
        environment = lmdb.open(
            str(root), subdir=root.is_dir(), readonly=True, **flags
        )
    except lmdb.Error as error:
        raise UserError(f'{root} is not a readable LMDB: {error}') from error
    # reading a page behind the end of the file would kill the process
    pages = environment.info()['last_pgno'] + 1
    needed = pages * environment.stat()['psize']
    file = root / 'data.mdb' if root.is_dir() else root
    if (size := file.stat().st_size) < needed:
        environment.close()
        raise UserError(
            f'{root} is truncated: {size} bytes of {needed}. Copy it again.'
        )
    return environment
