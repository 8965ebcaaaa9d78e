"""Check that listed images exist, all or a sample of them."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from pathlib import Path

import numpy as np

from mmcion.utils.checks import UserError, check_folder
from mmcion.utils.paths import printable
from mmcion.utils.progress import progress_bar
from mmcion.utils.skip_report import SkipReport

MISSING = 'missing file'
_SAMPLE = 1000


def find_missing(root: str | Path, path: np.ndarray) -> np.ndarray:
    """Return the rows of ``(N,)`` paths below a root that are missing.

    Every folder is listed once, which is faster than to look up each image.
    """
    # folders by number in order of appearance; (N,) folder of each image
    number: dict[bytes, int] = defaultdict(lambda: len(number))
    numbers = (number[p.rpartition(b'/')[0]] for p in path)
    folder = np.fromiter(numbers, np.int32, len(path))
    missing = np.zeros(len(path), bool)
    order = np.argsort(folder, kind='stable')
    stops = np.cumsum(np.bincount(folder, minlength=len(number)))
    rows_of = np.split(order, stops)[:-1]
    bar = progress_bar(total=len(path), desc='checking', unit='img', delay=2)
    with bar:
        for name, rows in zip(number, rows_of, strict=True):
            names = set()
            # without the folder, all of its images are missing
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                items = os.scandir(os.path.join(os.fsencode(root), name))
                with items:
                    names = {item.name for item in items if item.is_file()}
            missing[rows] = [
                p.rpartition(b'/')[2] not in names for p in path[rows]
            ]
            bar.update(len(rows))
    return np.flatnonzero(missing)


def existing_images(
    root: Path, path: np.ndarray, report: SkipReport, *, every: bool
) -> np.ndarray:
    """Return which of ``(N,)`` paths below a root exist, as ``(N,)`` bool.

    Missing ones are counted in the report. Without ``every``, only a sample is
    looked up, of which none may be missing.
    """
    check_folder(root, 'image folder')
    count = len(path)
    if every:
        missing = find_missing(root, path)
    else:
        # a thousand look-ups are faster than to list large folders
        count = min(_SAMPLE, count)
        rows = np.linspace(0, len(path) - 1, count).astype(int)
        exists = [(root / os.fsdecode(path[row])).is_file() for row in rows]
        missing = rows[~np.array(exists, bool)]
    if len(missing) and (not every or len(missing) == len(path)):
        first = root / printable(path[missing[0]])
        raise UserError(
            f'{len(missing):,} of {count:,} images are missing, such as '
            f'{first}. Give their folder, or --check-files to skip some.'
        )
    found = np.ones(len(path), bool)
    found[missing] = False
    report.skip_rows(MISSING, path, ~found)
    return found
