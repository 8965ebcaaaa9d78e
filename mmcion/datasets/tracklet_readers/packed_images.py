"""List the images of an LMDB or of tar files, in place of a folder tree."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, groupby
from pathlib import Path

from mmcion.datasets.tar_images import has_tars, tar_members
from mmcion.utils.images import is_image_name
from mmcion.utils.progress import progress_bar
from mmcion.utils.skip_report import SkipReport

from .image_tree import OTHER_LEVEL
from .lmdb_keys import find_lmdb, read_keys


def find_packed(root: Path) -> Path | None:
    """Return the LMDB or the folder of tar files that ``root`` is, if any."""
    return find_lmdb(root) or (root if has_tars(root) else None)


def packed_names(
    place: Path, report: SkipReport, check_sizes: bool
) -> Iterator[list[bytes]]:
    """Yield the names of the images in parts.

    Args:
        place: As ``find_packed`` returns it.
        report: Images that are left out are counted there.
        check_sizes: Whether to leave out empty images of an LMDB.
    """
    if not has_tars(place):
        yield from read_keys(place, report, check_sizes)
        return
    for file in progress_bar(sorted(place.glob('*.tar')), desc='tar files'):
        yield [name.encode() for name in tar_members(file)[0]]


def by_folder(
    parts: Iterator[list[bytes]], depth: int, report: SkipReport
) -> Iterator[tuple[str, list[str], list[bytes]]]:
    """Yield folder, names without suffix, and paths, folder by folder.

    Args:
        parts: Paths in any order.
        depth: Number of folders above an image; others are left out.
        report: These are counted there.
    """
    paths = sorted(
        chain.from_iterable(parts), key=lambda p: p.rpartition(b'/')
    )
    for folder, group in groupby(paths, lambda path: path.rpartition(b'/')[0]):
        own = list(group)
        if folder.count(b'/') + 1 != depth:
            names = [path.decode('utf-8', 'replace') for path in own[:5]]
            report.skip(OTHER_LEVEL, *names, count=len(own))
            continue
        yield folder.decode('utf-8', 'replace'), list(map(stem, own)), own


def stem(path: bytes) -> str:
    """Return the name of an image without folders and suffix."""
    name = path.rpartition(b'/')[2].decode('utf-8', 'replace')
    return name.rpartition('.')[0] if is_image_name(name) else name
