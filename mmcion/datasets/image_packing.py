"""Pack image files into tar files, in the order of training."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from mmcion.structures import AnnotationTable, TrackletTable
from mmcion.structures.columns import encode_paths
from mmcion.utils.checks import UserError, join_names
from mmcion.utils.checksums import checksum_file, write_checksums
from mmcion.utils.image_file import UnreadableImageError
from mmcion.utils.images import list_images
from mmcion.utils.io import atomic_file, read_json, write_json
from mmcion.utils.paths import path_below, printable
from mmcion.utils.progress import progress_bar
from mmcion.utils.result_folder import ResultFolder

from .image_reader import ImageReader, open_images
from .tar_images import BLOCK, write_index

_STATE = '.packing'  # folder with the content of each finished tar file
_COUNTS = 'packed.json'
_COUNTS_FORM = {'images': int, 'tar files': int, 'missing': list[str]}
_SHARD_FORM = {
    'file': str,
    'names': list[str],
    'places': list[list[int]],
    'missing': list[str],
    'stop': int,
}
_AHEAD = 256  # images of a block, which is read while the last is written


def images_to_pack(
    source: str | Path, image_root: str | Path | None = None
) -> tuple[np.ndarray, Path | None]:
    """Return the images of a data set.

    Args:
        source: Annotation, TrackletTable or folder of images.
        image_root: Folder that paths are relative to. By default that of the
            table or annotation, or ``source`` itself.

    Returns:
        ``(N,)`` bytes, every path once, in order of first appearance or
        sorted for a folder, and the root.
    """
    source = Path(source)
    root = None if image_root is None else Path(image_root)
    header = source / 'table.json'
    kind = None
    if header.is_file():
        kind = read_json(header, {'kind': str})['kind']
    if kind == TrackletTable.KIND:
        table = TrackletTable.load(source)
        paths, root = table.path, root or table.image_root
    elif kind is not None or not source.is_dir():
        annotation = AnnotationTable.load(source)
        paths = annotation.path
        root = root or annotation.image_root or source.parent
    else:
        root = root or source
        inside = os.path.relpath(source, root)
        names = list_images(source)
        paths = encode_paths(
            [os.path.normpath(os.path.join(inside, name)) for name in names]
        )
    if paths is None or not len(paths):
        raise UserError(f'{source} has no image paths.')
    # names of members: unpacked, none may land outside of a folder
    doubtful = np.char.startswith(paths, b'/')
    doubtful |= np.char.find(paths, b'..') >= 0
    for path in paths[doubtful].tolist():
        path_below(root or '', os.fsdecode(path))
    # a path may occur in several rows, but only once in a tar file
    _, first = np.unique(paths, return_index=True)
    return np.asarray(paths)[np.sort(first)], root


def pack_images(
    paths: np.ndarray,
    images: ImageReader,
    out: str | Path,
    *,
    shard_mb: float = 1024,
    max_missing: int = 0,
    num_threads: int = 8,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Copy images, unchanged, into tar files with an index.

    A stopped run resumes after the last finished tar file, see
    ``ResultFolder``. The same images give the same bytes.

    Args:
        paths: ``(N,)`` bytes, in the order to write them.
        images: Reader of the paths.
        out: Folder to write.
        shard_mb: Approximate size of a tar file in MB.
        max_missing: Largest number of images that may be missing, empty or
            unreadable.
        num_threads: Number of threads that read.
        overwrite: Whether to replace the images of another run.

    Returns:
        Content of ``packed.json``: the numbers of images and tar files, and
        the list of missing images.

    Raises:
        UserError: If more images are missing, or ``out`` holds others.
    """
    # the same paths in another order are other tar files
    digest = hashlib.sha256(np.ascontiguousarray(paths).data).hexdigest()
    shard_bytes = int(shard_mb * 1e6)
    with ResultFolder(
        out,
        'packed images',
        settings={'shard_bytes': shard_bytes},
        inputs={'paths': digest},
        overwrite=overwrite,
    ) as results:
        if not results.is_complete:
            options = shard_bytes, max_missing, num_threads
            shards = _write_shards(paths, images, results.path, *options)
            members = [(s['file'], s['names'], s['places']) for s in shards]
            counts = {
                'images': write_index(results.path, members),
                'tar files': len(shards),
                'missing': [p for shard in shards for p in shard['missing']],
            }
            write_json(results.path / _COUNTS, counts)
            write_checksums(
                results.path,
                [_COUNTS, *(shard['file'] for shard in shards)],
                {s['file']: s['checksum'] for s in shards if 'checksum' in s},
            )
            results.finish()
    # it outlives a kill before the end, so that no tar file is written twice
    shutil.rmtree(Path(out) / _STATE, ignore_errors=True)
    return read_json(Path(out) / _COUNTS, _COUNTS_FORM)


def _write_shards(
    paths: np.ndarray,
    images: ImageReader,
    folder: Path,
    shard_bytes: int,
    max_missing: int,
    num_threads: int,
) -> list[dict[str, Any]]:
    """Write the tar files that are missing; return what is in each."""
    shards: list[dict[str, Any]] = []
    missing: list[str] = []  # of all tar files

    def next_shard() -> tuple[Path, Path]:
        name = f'images-{len(shards):05d}.tar'
        return folder / name, folder / _STATE / f'{name}.json'

    def add_missing(more: list[str]) -> None:
        missing.extend(more)
        if len(missing) > max_missing:
            names = join_names(map(printable, missing))
            raise UserError(
                f'missing, empty or unreadable: {names}; restore them or use '
                f'--max-missing'
            )

    file, state = next_shard()
    while file.is_file() and state.is_file():
        shards.append(read_json(state, _SHARD_FORM))
        file, state = next_shard()
        add_missing(shards[-1]['missing'])
    # rows up to here are in finished tar files
    row = shards[-1]['stop'] if shards else 0
    bar = progress_bar(
        total=len(paths), initial=row, desc='pack', unit='img', unit_scale=True
    )
    with bar, ThreadPoolExecutor(num_threads) as pool:
        contents = _read_ahead(paths[row:], images, pool, bar)
        while row < len(paths):
            file, state = next_shard()
            known = len(missing)
            names, places = _write_shard(
                file, contents, shard_bytes, add_missing
            )
            row += len(names) + len(missing) - known
            shards.append(
                {
                    'file': file.name,
                    'names': names,
                    'places': places,
                    'missing': missing[known:],
                    'stop': row,
                    'checksum': checksum_file(file),
                }
            )
            # a tar file without it, after a kill, is written again
            write_json(state, shards[-1])
    return shards


def _write_shard(
    file: Path,
    contents: Iterator[tuple[str, bytes]],
    shard_bytes: int,
    add_missing: Callable[[list[str]], None],
) -> tuple[list[str], list[tuple[int, int]]]:
    """Fill a tar file; return names, and offset and size of the contents."""
    names, places = [], []
    with (
        atomic_file(file) as temporary,
        tarfile.open(temporary, 'w', format=tarfile.GNU_FORMAT) as tar,
    ):
        for path, data in contents:
            if not data:
                add_missing([path])
                continue
            member = tarfile.TarInfo(path)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
            tar.members = []  # type: ignore[attr-defined]  # of no use here
            names.append(path)
            # the content ends where the tar does, but for its padding
            padded = -(-len(data) // BLOCK) * BLOCK
            places.append((tar.offset - padded, len(data)))
            if tar.offset >= shard_bytes:
                break
    return names, places


def _read_ahead(
    paths: np.ndarray, images: ImageReader, pool: ThreadPoolExecutor, bar: tqdm
) -> Iterator[tuple[str, bytes]]:
    """Yield paths and contents, which are empty for missing images."""

    def read(path: str) -> tuple[str, bytes]:
        try:
            return path, images.read(path)
        except UnreadableImageError:
            return path, b''

    # the next block is read while this one is written
    blocks: deque[Iterator[tuple[str, bytes]]] = deque()
    for start in [*range(0, len(paths), _AHEAD), len(paths)]:
        block = paths[start : start + _AHEAD].tolist()
        blocks.append(pool.map(read, [os.fsdecode(path) for path in block]))
        if len(blocks) > 1:
            for image in blocks.popleft():
                yield image
                bar.update()


def compare_packed(
    paths: np.ndarray,
    source: ImageReader,
    packed: str | Path,
    *,
    missing: Sequence[str] = (),
    num_images: int = 1000,
) -> int:
    """Compare packed images with their source, byte by byte.

    Args:
        paths: Paths that were to be packed.
        source: Reader of the originals.
        packed: Root of the packed images.
        missing: Paths that were not packed.
        num_images: Number of images to compare.

    Returns:
        The number of images compared; none differs.
    """
    # evenly spread, so that a few tar files are all compared
    skipped, images = set(missing), open_images(packed)
    rows = np.linspace(0, len(paths) - 1, min(num_images, len(paths)))
    sample = [os.fsdecode(paths[row]) for row in rows.astype(np.int64)]
    sample = [path for path in sample if path not in skipped]
    for path in sample:
        if images.read(path) != source.read(path):
            raise UserError(f'{path} in {packed} differs from its source.')
    return len(sample)
