"""Walk folders of millions of images, and count what does not belong."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

from mmcion.utils.images import is_hidden, is_image_name
from mmcion.utils.skip_report import SkipReport

_CHUNK = 100_000  # names held at a time
_PEEK_ENTRIES = 500  # looked at per folder when guessing
_PEEK_FOLDERS = 50

_SURROGATE = re.compile('[\ud800-\udfff]')  # bytes that are not UTF-8

HIDDEN = 'hidden folder, or one of the operating system'
NOT_AN_IMAGE = 'not an image file'
OTHER_LEVEL = 'file at another folder level'
TOO_DEEP = 'folder below the images'
EMPTY_FILE = 'file of zero bytes'
BROKEN_LINK = 'link to a missing file'
WRONG_NAME = 'name that is not of the data set'
NO_UTF8 = 'folder whose name is not UTF-8'


def walk_images(
    root: Path, depth: int, report: SkipReport, *, check_sizes: bool = False
) -> Iterator[tuple[str, list[str]]]:
    """Yield the image names of all folders that lie ``depth`` levels down.

    Folders come in sorted order. A very large folder comes in several parts;
    the names of a part are sorted.

    Args:
        root: Folder to start from.
        depth: Number of folders above an image; 0 is ``root`` itself.
        report: Everything else that is found is counted there.
        check_sizes: Skip empty files, which costs a ``stat`` per file.

    Yields:
        What is before a name in its path below ``root``, such as ``'a/b/'``,
        and names with suffix.
    """

    def walk(folder: Path, prefix: str) -> Iterator[tuple[str, list[str]]]:
        at_depth = prefix.count('/') == depth
        folders, names = [], []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    if is_hidden(entry.name):
                        report.skip(HIDDEN, prefix + entry.name)
                    else:
                        folders.append(entry.name)
                    continue
                reason = _skip_reason(entry, at_depth, check_sizes)
                if reason:
                    report.skip(reason, prefix + entry.name)
                    continue
                names.append(entry.name)
                if len(names) == _CHUNK:
                    yield prefix, sorted(names)
                    names = []
        if names:
            yield prefix, sorted(names)
        for name in sorted(folders):
            path = prefix + name
            if _SURROGATE.search(name):
                report.skip(NO_UTF8, os.fsencode(path).decode('latin1'))
            elif at_depth:
                report.skip(TOO_DEEP, path)
            else:
                yield from walk(folder / name, f'{path}/')

    yield from walk(root, '')


def _skip_reason(
    entry: os.DirEntry, right_level: bool, check_sizes: bool
) -> str:
    if not is_image_name(entry.name) or _SURROGATE.search(entry.name):
        return NOT_AN_IMAGE
    if not right_level:
        return OTHER_LEVEL
    if not check_sizes:
        return ''
    try:
        return '' if entry.stat().st_size else EMPTY_FILE
    except FileNotFoundError:
        return BROKEN_LINK


def find_like(
    root: Path, pattern: re.Pattern[str], *, max_depth: int = 5
) -> str | None:
    """Return the path below ``root`` of an image whose name matches.

    It is one of the least deep. Only the first entries of large folders are
    looked at, so None is a guess.

    Args:
        root: Folder to search; a file has no image.
        pattern: Pattern of the whole name without suffix.
        max_depth: Levels of folders to search.
    """
    if root.is_file():
        return None
    # breadth first: folders of one level, with their paths below root
    level: list[tuple[Path, str]] = [(root, '')]
    for _ in range(max_depth + 1):
        deeper: list[tuple[Path, str]] = []
        for folder, prefix in level[:_PEEK_FOLDERS]:
            with os.scandir(folder) as entries:
                for entry in itertools.islice(entries, _PEEK_ENTRIES):
                    path = prefix + entry.name
                    stem = os.path.splitext(entry.name)[0]
                    if is_hidden(entry.name):
                        continue
                    if entry.is_dir():
                        deeper.append((folder / entry.name, f'{path}/'))
                    elif is_image_name(entry.name) and pattern.fullmatch(stem):
                        return path
        level = sorted(deeper)
    return None
