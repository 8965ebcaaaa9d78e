"""Walk folders of millions of images, and say what is wrong with them."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

from mmcion.utils.skip_report import SkipReport

_ENDINGS = frozenset({'.jpg', '.jpeg', '.png'})
_CHUNK = 100_000  # names held at a time
_PEEK_ENTRIES = 500  # looked at per folder when guessing
_PEEK_FOLDERS = 50

NOT_AN_IMAGE = 'no .jpg, .jpeg or .png file'
OTHER_LEVEL = 'file at another folder level'
TOO_DEEP = 'folder below the images'
EMPTY_FILE = 'file of zero bytes'
BROKEN_LINK = 'link to a file that is not there'
WRONG_NAME = 'another name than the dataset gives'
NO_UTF8 = 'folder whose name is not UTF-8'


def walk_images(
    root: Path, depth: int, report: SkipReport, *, check_sizes: bool = False
) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Yield the image names of all folders that lie ``depth`` levels down.

    Folders come in sorted order. A folder comes several times, with a part
    of its names each time, if it is very large; a part is sorted.

    Args:
        root: where to start.
        depth: 0 is ``root`` itself.
        report: everything else that is met is counted there.
        check_sizes: look for empty files, which costs a ``stat`` per file.

    Yields:
        The folder as parts below ``root``, and names with their endings.
    """
    yield from _walk(root, (), depth, report, check_sizes)


def _walk(
    folder: Path,
    parts: tuple[str, ...],
    depth: int,
    report: SkipReport,
    check_sizes: bool,
) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    folders, names = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                folders.append(entry.name)
                continue
            reason = _wrong(entry, len(parts) == depth, check_sizes)
            if reason:
                report.skip(reason, '/'.join((*parts, entry.name)))
                continue
            names.append(entry.name)
            if len(names) == _CHUNK:
                yield parts, sorted(names)
                names = []
    if names:
        yield parts, sorted(names)
    for name in sorted(folders):
        below = (*parts, name)
        if not _is_utf8(name):
            report.skip(NO_UTF8, os.fsencode('/'.join(below)).decode('latin1'))
        elif len(parts) == depth:
            report.skip(TOO_DEEP, '/'.join(below))
        else:
            yield from _walk(folder / name, below, depth, report, check_sizes)


def _wrong(entry: os.DirEntry, right_level: bool, check_sizes: bool) -> str:
    ending = os.path.splitext(entry.name)[1].lower()
    if ending not in _ENDINGS or not _is_utf8(entry.name):
        return NOT_AN_IMAGE
    if not right_level:
        return OTHER_LEVEL
    if not check_sizes:
        return ''
    try:
        return '' if entry.stat().st_size else EMPTY_FILE
    except FileNotFoundError:
        return BROKEN_LINK


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def find_like(
    root: Path, pattern: re.Pattern[str], *, max_depth: int = 5
) -> str | None:
    """Return the path below ``root`` of an image named like ``pattern``.

    The shallowest is taken; only the beginning of large folders is looked
    at, so None is a guess. In a file there is nothing.
    """
    if root.is_file():
        return None
    level: list[tuple[Path, str]] = [(root, '')]
    for _ in range(max_depth + 1):
        deeper: list[tuple[Path, str]] = []
        for folder, prefix in level[:_PEEK_FOLDERS]:
            with os.scandir(folder) as entries:
                for entry in itertools.islice(entries, _PEEK_ENTRIES):
                    if entry.is_dir():
                        deeper.append(
                            (folder / entry.name, f'{prefix}{entry.name}/')
                        )
                        continue
                    stem, ending = os.path.splitext(entry.name)
                    if ending.lower() in _ENDINGS and pattern.fullmatch(stem):
                        return prefix + entry.name
        level = sorted(deeper)
    return None


def nothing_found(
    root: Path,
    expected: str,
    pattern: re.Pattern[str],
    report: SkipReport,
    *,
    depth: int | None = None,
) -> ValueError:
    """Return an error that says what was expected and what is there.

    Args:
        root: folder that was read.
        expected: path of an image below ``root``, as it should be.
        pattern: of names.
        report: of the attempt.
        depth: number of folders in ``expected``, if it is a path.
    """
    lines = [f'no images were found in {root}', f'expected: {expected}']
    found = find_like(root, pattern)
    levels = None if found is None else found.count('/')
    if found is None:
        found = find_like(root, re.compile('.*')) or 'no image at all'
    if levels is None or depth is None or levels == depth:
        lines.append(f'found: {found}')
    else:
        lines.append(
            f'found: {found}, which is {levels} folders deep and not {depth}: '
            f'give the folder that is {depth} above the images'
        )
    return ValueError('\n  '.join([*lines, *report.lines()]))


def check_exists(root: str | Path) -> Path:
    """Return ``root`` as a path.

    Raises:
        FileNotFoundError: if it does not exist.
    """
    root = Path(root)
    if not root.exists():
        raise FileNotFoundError(f'there is no {root}')
    return root
