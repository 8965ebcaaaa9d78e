"""TrackletBuilder: rows in any order become a table, with little memory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmcion.utils.io import save_npy
from mmcion.utils.skip_report import SkipReport

from .tracklet_table import TrackletTable

_KEYS = ('video', 'tracklet', 'frame', 'item')
DUPLICATE = 'the same video, tracklet, frame and number again'


@dataclass
class TrackletReading:
    """What a reader made of a dataset.

    Attributes:
        table: the images.
        report: what was left out.
        truth: ``(N,)`` int32 true identity per row of the table, -1 where it
            is not known, or None if the dataset has no identities.
    """

    table: TrackletTable
    report: SkipReport
    truth: np.ndarray | None = None

    def save(self, out: str | Path) -> None:
        """Write ``table``, ``skipped.json`` and ``truth.npy`` below ``out``.

        The table comes last, so where there is one, the others fit it.
        """
        out = Path(out)
        shutil.rmtree(out / 'table', ignore_errors=True)
        (out / 'truth.npy').unlink(missing_ok=True)
        counts = {
            'images': len(self.table),
            'tracklets': self.table.num_tracklets,
            'videos': len(self.table.videos),
        }
        self.report.save(out / 'skipped.json', kept=counts)
        if self.truth is not None:
            save_npy(out / 'truth.npy', self.truth)
        self.table.save(out / 'table')

    def summary(self) -> str:
        """Return counts and report as text."""
        table = self.table
        first = (
            f'{len(table):,} images, {table.num_tracklets:,} tracklets, '
            f'{len(table.videos):,} videos'
        )
        return '\n  '.join([first, *self.report.lines()])


class TrackletBuilder:
    """Collects rows as arrays, so that ten million of them fit.

    Rows may come in any order; those that come sorted are not copied again.
    """

    def __init__(self) -> None:
        self._parts: list[dict[str, np.ndarray]] = []

    def __len__(self) -> int:
        return sum(len(part['path']) for part in self._parts)

    def add(
        self,
        *,
        video: int | np.ndarray,
        tracklet: int | np.ndarray,
        frame: np.ndarray,
        path: Sequence[bytes] | np.ndarray,
        item: int | np.ndarray = 0,
        **more: np.ndarray,
    ) -> None:
        """Add ``n`` rows.

        Args:
            video: any number of the video, or ``(n,)``.
            tracklet: number of the tracklet, or ``(n,)``.
            frame: ``(n,)``.
            path: ``n`` byte strings.
            item: tells apart several images of one tracklet in one frame.
            more: further columns, the same in every call.
        """
        rows = len(path)
        if not rows:
            return

        def column(values: int | np.ndarray) -> np.ndarray:
            return np.broadcast_to(np.asarray(values, np.int64), rows).copy()

        self._parts.append(
            {
                'video': column(video).astype(np.int32),
                'tracklet': column(tracklet),
                'frame': column(frame),
                'item': column(item).astype(np.int32),
                'path': np.asarray(path, 'S'),
                **more,
            }
        )

    def renumber(self, name: str, numbers: np.ndarray) -> None:
        """Replace the value ``v`` of a column by ``numbers[v]``."""
        for part in self._parts:
            part[name] = numbers[part[name]]

    def sorted_rows(self, report: SkipReport) -> dict[str, np.ndarray]:
        """Return all rows as columns, sorted by video, tracklet and frame.

        Of rows with equal video, tracklet, frame and item the first stays.
        The builder is empty afterwards.

        Args:
            report: duplicates are counted there.

        Raises:
            ValueError: if there are no rows.
        """
        if not self._parts:
            raise ValueError('there are no rows to make a table of.')
        rows = {name: self._join(name) for name in list(self._parts[0])}
        self._parts = []
        keys = [rows[name] for name in _KEYS]
        if not _is_sorted(keys):
            order = np.lexsort(keys[::-1])
            del keys
            for name in rows:
                rows[name] = rows[name][order]
        same = np.ones(len(rows['path']), bool)
        same[0] = False
        for name in _KEYS:
            same[1:] &= np.diff(rows[name]) == 0
        if same.any():
            first = np.flatnonzero(same)
            names = [path.decode() for path in rows['path'][first[:5]]]
            report.skip(DUPLICATE, *names, count=len(first))
            rows = {name: column[~same] for name, column in rows.items()}
        return rows

    def _join(self, name: str) -> np.ndarray:
        """Join a column and free its parts on the way."""
        parts = [part.pop(name) for part in self._parts]
        dtype = np.result_type(*{part.dtype for part in parts})
        rows = sum(map(len, parts))
        joined = np.empty((rows, *parts[0].shape[1:]), dtype)
        stop = rows
        while parts:
            part = parts.pop()
            joined[stop - len(part) : stop] = part
            stop -= len(part)
        return joined


def make_reading(
    rows: dict[str, np.ndarray],
    *,
    video_name: Callable[[int], str],
    image_root: Path,
    report: SkipReport,
) -> TrackletReading:
    """Make table and truth of the columns of a builder.

    Args:
        rows: sorted; ``box`` and ``score`` become columns of the table,
            ``truth`` the true identities.
        video_name: name of a video's number.
        image_root: folder that the paths are relative to.
        report: passed on.
    """
    numbers, video_id = np.unique(rows['video'], return_inverse=True)
    table = TrackletTable.from_columns(
        video_id=video_id,
        tracklet_id=rows['tracklet'],
        frame=rows['frame'],
        path=rows['path'],
        box=rows.get('box'),
        score=rows.get('score'),
        videos=[video_name(int(number)) for number in numbers],
        image_root=image_root,
    )
    truth = rows.get('truth')
    if truth is not None:
        truth = truth.astype(np.int32)
    return TrackletReading(table, report, truth)


def running_number(group: np.ndarray) -> np.ndarray:
    """Return 0, 1, 2, ... within each run of equal values, ``(N,)``."""
    starts = np.flatnonzero(np.diff(group, prepend=group[:1] - 1))
    sizes = np.diff(starts, append=len(group))
    return np.arange(len(group)) - np.repeat(starts, sizes)


def _is_sorted(keys: list[np.ndarray]) -> bool:
    equal = np.ones(max(len(keys[0]) - 1, 0), bool)
    for key in keys:
        step = np.diff(key)
        if (equal & (step < 0)).any():
            return False
        equal &= step == 0
    return True
