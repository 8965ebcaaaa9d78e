"""Check that listed images exist, all or a sample of them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from mmcion.utils.progress import progress_bar
from mmcion.utils.skip_report import SkipReport

MISSING = 'no such file'
_SAMPLE = 1000


def existing_images(
    root: Path, path: np.ndarray, report: SkipReport, *, every: bool
) -> np.ndarray:
    """Tell which images exist.

    Args:
        root: folder that paths are relative to.
        path: ``(N,)`` bytes.
        report: missing images are counted there.
        every: look for all of them; else for a sample, of which none may be
            missing.

    Returns:
        ``(N,)`` bool; all True for a sample.

    Raises:
        FileNotFoundError: if there is no folder ``root``.
        ValueError: if an image of the sample is missing, or all are.
    """
    if not root.is_dir():
        raise FileNotFoundError(f'there is no folder {root}')
    if not every:
        _check_sample(root, path)
        return np.ones(len(path), bool)
    there = _look_up(root, path)
    gone = np.flatnonzero(~there)
    if len(path) and len(gone) == len(path):
        raise ValueError(
            f'none of the {len(path):,} images is in {root}; the first one '
            f'would be {root / path[0].decode()}. Is that the folder that '
            f'paths are relative to?'
        )
    if len(gone):
        some = [path[row].decode() for row in gone[:5]]
        report.skip(MISSING, *some, count=len(gone))
    return there


def _check_sample(root: Path, path: np.ndarray) -> None:
    rows = np.linspace(0, len(path) - 1, min(_SAMPLE, len(path))).astype(int)
    gone = [r for r in rows if not (root / path[r].decode()).is_file()]
    if gone:
        raise ValueError(
            f'of {len(rows):,} images that were looked for, {len(gone):,} '
            f'are missing in {root}, such as {root / path[gone[0]].decode()}.'
            f' Give the folder that paths are relative to; if it is that '
            f'one, files are missing, and --check-files drops their rows.'
        )


def _look_up(root: Path, path: np.ndarray) -> np.ndarray:
    """Look for all images, with one listing per folder."""
    number: dict[bytes, int] = {}
    folder = np.fromiter(
        (number.setdefault(p.rpartition(b'/')[0], len(number)) for p in path),
        np.int32,
        len(path),
    )
    there = np.zeros(len(path), bool)
    order = np.argsort(folder, kind='stable')
    stops = np.cumsum(np.bincount(folder, minlength=len(number)))
    start = 0
    with progress_bar(total=len(path), desc='checking', unit='img') as bar:
        for name, stop in zip(number, stops, strict=True):
            rows = order[start:stop]
            names = _files(os.path.join(os.fsencode(root), name))
            there[rows] = [p.rpartition(b'/')[2] in names for p in path[rows]]
            bar.update(len(rows))
            start = stop
    return there


def _files(folder: bytes) -> set[bytes]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if entry.is_file()}
    except (FileNotFoundError, NotADirectoryError):
        return set()
