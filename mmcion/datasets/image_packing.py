"""Pack image files into tar files or an LMDB, in the order of training."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from mmcion.structures import AnnotationTable, TrackletTable
from mmcion.structures.columns import encode_paths
from mmcion.utils.io import atomic_file, hash_value, read_json, write_json
from mmcion.utils.progress import progress_bar

from .image_reader import ImageReader, open_images, open_lmdb
from .tar_images import BLOCK, write_index

ENDINGS = frozenset({'.jpg', '.jpeg', '.png', '.bmp', '.webp'})
_STATE = '.packing'  # folder of what is needed to go on after a stop
_AHEAD = 256  # images that are read at a time
_MAP_SIZE = 1 << 42  # bytes of addresses that an LMDB may grow to
_MAX_KEY = 511  # bytes of a path in an LMDB
_LMDB_ROWS = 4096  # images per transaction


def list_images(
    source: str | Path, image_root: str | Path | None = None
) -> tuple[np.ndarray, Path | None]:
    """Return the images to pack.

    Args:
        source: an annotation, a TrackletTable or a folder of images, whose
            files are taken in sorted order.
        image_root: that paths are relative to; by default the table's own,
            the folder of an annotation, or ``source`` itself.

    Returns:
        ``(N,)`` bytes, every path once, in order of first appearance, and
        the root.

    Raises:
        ValueError: if there are none.
    """
    source = Path(source)
    root = None if image_root is None else Path(image_root)
    header = source / 'table.json'
    kind = read_json(header).get('kind') if header.is_file() else None
    if kind == TrackletTable.KIND:
        table = TrackletTable.load(source)
        if table.path is None:
            raise ValueError(f'{source} has no image paths.')
        paths, root = table.path, root or table.image_root
    elif kind is not None or not source.is_dir():
        paths = AnnotationTable.load(source).path
        root = root or source.parent
    else:
        root = root or source
        paths = encode_paths(list(_files(source, root)))
    if not len(paths):
        raise ValueError(f'{source} has no images ({", ".join(ENDINGS)}).')
    _, first = np.unique(paths, return_index=True)
    return np.asarray(paths)[np.sort(first)], root


def _files(folder: Path, root: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        inside = os.path.relpath(place, root)
        for name in sorted(names):
            if os.path.splitext(name)[1].lower() in ENDINGS:
                yield os.path.normpath(os.path.join(inside, name))


class Packing:
    """Copy images, unchanged, to where they can be read fast.

    An interrupted run goes on where it stopped: finished tar files, or the
    committed part of an LMDB, are kept. The same images give the same bytes.

    Args:
        paths: ``(N,)`` bytes, in the order to write them.
        images: reader of the paths.
        out: folder to write; ``.lmdb`` at its end makes an LMDB.
        shard_mb: size of a tar file in MB, about.
        max_missing: more missing or empty images are an error.
        num_threads: that read.

    Raises:
        ValueError: if ``out`` was begun from other images or with another
            ``shard_mb``, or is complete already.
    """

    def __init__(
        self,
        paths: np.ndarray,
        images: ImageReader,
        out: str | Path,
        *,
        shard_mb: float = 1024,
        max_missing: int = 0,
        num_threads: int = 8,
    ) -> None:
        self.paths, self.images = paths, images
        self.out = Path(out)
        self.shard_bytes = int(shard_mb * 1e6)
        self.max_missing, self.num_threads = max_missing, num_threads
        self.missing: list[str] = []
        self._begin()

    @property
    def _state(self) -> Path:
        return self.out / _STATE

    def _begin(self) -> None:
        sums = [len(self.paths), *_checksums(self.paths)]
        plan = hash_value([sums, self.shard_bytes])
        file = self._state / 'plan.json'
        if file.is_file():
            if read_json(file) != plan:
                raise ValueError(
                    f'{self.out} was begun with other images or options: '
                    f'repeat them, or remove the folder.'
                )
            for left_over in self.out.glob('.*.tmp'):  # of a killed process
                if left_over.is_dir():
                    shutil.rmtree(left_over)
                else:
                    left_over.unlink()
            return
        if self.out.exists() and any(self.out.iterdir()):
            raise ValueError(
                f'{self.out} is not empty. Give a new folder, or remove it.'
            )
        write_json(file, plan)

    def run(self) -> dict[str, Any]:
        """Pack and return counts; the list of missing images is in it."""
        bar = progress_bar(
            total=len(self.paths), desc='pack', unit='img', unit_scale=True
        )
        with bar, ThreadPoolExecutor(self.num_threads) as pool:
            write = self._lmdb if self.out.suffix == '.lmdb' else self._tars
            counts = write(bar, pool)
        counts['missing'] = self.missing
        write_json(self.out / 'packed.json', counts)
        shutil.rmtree(self._state)
        return counts

    def _tars(self, bar: Any, pool: ThreadPoolExecutor) -> dict[str, Any]:
        row = 0
        shards: list[tuple[str, list[str], np.ndarray]] = []
        while row < len(self.paths):
            name = f'images-{len(shards):05d}.tar'
            state = self._state / f'{name}.json'
            if not (state.is_file() and (self.out / name).is_file()):
                self._shard(name, row, bar, pool)
            else:
                self._skip(read_json(state)['missing'])
                bar.update(read_json(state)['stop'] - row)
                bar.unpause()
            shard = read_json(state)
            row = shard['stop']
            places = np.array(shard['places'], np.int64).reshape(-1, 2)
            shards.append((name, shard['names'], places))
        num_images = write_index(self.out, shards)
        return {'images': num_images, 'tar files': len(shards)}

    def _shard(
        self, name: str, row: int, bar: Any, pool: ThreadPoolExecutor
    ) -> None:
        """Write one tar file from a row on, and what is in it."""
        names, places, first = [], [], len(self.missing)
        with atomic_file(self.out / name) as temporary:
            with tarfile.open(
                temporary, 'w', format=tarfile.GNU_FORMAT
            ) as tar:
                for path, data in self._read(row, pool):
                    row += 1
                    bar.update()
                    if not data:
                        self._skip([path])
                        continue
                    member = tarfile.TarInfo(path)
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
                    tar.members = []  # type: ignore[attr-defined]
                    names.append(path)
                    padded = -(-len(data) // BLOCK) * BLOCK
                    places.append((tar.offset - padded, len(data)))
                    if tar.offset >= self.shard_bytes:
                        break
            write_json(
                self._state / f'{name}.json',
                {
                    'stop': row,
                    'names': names,
                    'places': places,
                    'missing': self.missing[first:],
                },
            )

    def _lmdb(self, bar: Any, pool: ThreadPoolExecutor) -> dict[str, Any]:
        if self.paths.dtype.itemsize > _MAX_KEY:
            raise ValueError(
                f'a path is longer than the {_MAX_KEY} bytes that an LMDB '
                f'allows: pack into tar files.'
            )
        # hidden until it is whole
        file, state = self._state / 'data.mdb', self._state / 'rows.json'
        row = 0
        if state.is_file():
            done = read_json(state)
            row = done['stop']
            self._skip(done['missing'])
            bar.update(row)
            bar.unpause()
        whole = self.out / 'data.mdb'
        if not whole.is_file():
            self._fill_lmdb(file, state, row, bar, pool)
            os.replace(file, whole)
        with open_lmdb(self.out) as environment:
            return {'images': environment.stat()['entries']}

    def _fill_lmdb(
        self,
        file: Path,
        state: Path,
        row: int,
        bar: Any,
        pool: ThreadPoolExecutor,
    ) -> None:
        """Write the rows from one on, and after each part how far it got."""
        import lmdb

        with lmdb.open(
            str(file), subdir=False, map_size=_MAP_SIZE, lock=False
        ) as environment:
            reading = self._read(row, pool)
            while row < len(self.paths):
                stop = min(row + _LMDB_ROWS, len(self.paths))
                with environment.begin(write=True) as transaction:
                    for path, data in islice(reading, stop - row):
                        if data:
                            transaction.put(path.encode(), data)
                        else:
                            self._skip([path])
                        bar.update()
                row = stop
                write_json(state, {'stop': row, 'missing': self.missing})

    def _read(
        self, row: int, pool: ThreadPoolExecutor
    ) -> Iterator[tuple[str, bytes]]:
        """Yield paths and contents from a row on, read ahead."""
        blocks = range(row, len(self.paths), _AHEAD)
        ahead = None
        for start in [*blocks, None]:
            now = ahead
            if start is not None:
                block = self.paths[start : start + _AHEAD].tolist()
                ahead = pool.map(self._one, [path.decode() for path in block])
            if now is not None:
                yield from now

    def _one(self, path: str) -> tuple[str, bytes]:
        try:
            return path, self.images.read(path)
        except (FileNotFoundError, IsADirectoryError):
            return path, b''

    def _skip(self, paths: Sequence[str]) -> None:
        self.missing.extend(paths)
        if len(self.missing) > self.max_missing:
            raise ValueError(
                f'{len(self.missing)} images are missing or empty, more than '
                f'{self.max_missing}: {", ".join(self.missing[:5])}. Restore '
                f'them, or allow for them with --max-missing.'
            )


def _checksums(paths: np.ndarray) -> list[str]:
    starts = range(0, len(paths), 1 << 16)
    return [
        hash_value(paths[start : start + (1 << 16)].tobytes().hex())
        for start in starts
    ]


def verify(
    paths: np.ndarray,
    source: ImageReader,
    packed: str | Path,
    *,
    missing: Sequence[str] = (),
    num_images: int = 1000,
) -> int:
    """Compare packed images with their source, byte by byte.

    Args:
        paths: what was packed; a sample is taken, evenly spread.
        source: reader of the originals.
        packed: root of the packed images.
        missing: paths that were left out.
        num_images: size of the sample.

    Returns:
        The number of images compared.

    Raises:
        ValueError: if one differs; names it.
    """
    left_out, images = set(missing), open_images(packed)
    rows = np.linspace(0, len(paths) - 1, min(num_images, len(paths)))
    sample = [paths[row].decode() for row in rows.astype(np.int64)]
    sample = [path for path in sample if path not in left_out]
    for path in sample:
        if images.read(path) != source.read(path):
            raise ValueError(
                f'{path} differs between {packed} and its source: pack it '
                f'again.'
            )
    return len(sample)
