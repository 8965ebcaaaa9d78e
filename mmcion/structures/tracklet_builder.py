"""TrackletBuilder: sort rows into the columns of a table."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmcion.utils.checks import UserError
from mmcion.utils.checksums import CHECKSUMS, write_checksums
from mmcion.utils.io import save_npy
from mmcion.utils.paths import printable
from mmcion.utils.skip_report import SkipReport

from .columns import first_unsorted, join_parts
from .tracklet_table import TrackletTable

_KEYS = ('video', 'tracklet', 'frame', 'item')
TRUTH = 'truth.npy'
SKIPPED = 'skipped.json'
DUPLICATE = 'repeated video, tracklet, frame and box number'


@dataclass
class TrackletReading:
    """What a reader found in a data set.

    Attributes:
        table: Images and tracklets.
        report: What was skipped.
        truth: ``(N,)`` int32 true identities, -1 if unknown; None if the data
            set has none.
    """

    table: TrackletTable
    report: SkipReport
    truth: np.ndarray | None = None

    @classmethod
    def from_rows(
        cls,
        rows: dict[str, np.ndarray],
        *,
        video_name: Callable[[int], str],
        image_root: Path,
        report: SkipReport,
    ) -> TrackletReading:
        """Make a table of the columns of a builder.

        Args:
            rows: Columns as from ``TrackletBuilder.sorted_rows``; ``truth``
                holds the true identities.
            video_name: Function from the number of a video to its name.
            image_root: Folder that the paths are relative to.
            report: What was skipped.
        """
        # videos without an image get no row and no name
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
        return cls(table, report, truth)

    def save(self, out: str | Path) -> None:
        """Write ``table``, ``skipped.json`` and ``truth.npy`` below ``out``.

        The table comes last, so where there is one, the others fit it.
        """
        out = Path(out)
        # the largest part first: a full disk leaves old results as they are
        new = out / '.table.tmp'
        shutil.rmtree(new, ignore_errors=True)
        self.table.save(new)
        shutil.rmtree(out / 'table', ignore_errors=True)
        for name in (CHECKSUMS, TRUTH):
            (out / name).unlink(missing_ok=True)
        self.report.save(out / SKIPPED, kept=self._counts)
        if self.truth is not None:
            save_npy(out / TRUTH, self.truth)
        write_checksums(out, [SKIPPED, TRUTH])
        os.replace(new, out / 'table')

    def summary(self) -> str:
        """Return counts and report as text."""
        counts = ', '.join(f'{n:,} {what}' for what, n in self._counts.items())
        return '\n  '.join([counts, *self.report.lines()])

    @property
    def _counts(self) -> dict[str, int]:
        return {
            'images': len(self.table),
            'tracklets': self.table.num_tracklets,
            'videos': len(self.table.videos),
        }


class TrackletBuilder:
    """Collect rows as arrays, so that ten million of them fit in memory.

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
            video: Number of the video, one or ``(n,)``.
            tracklet: Number of the tracklet, one or ``(n,)``.
            frame: ``(n,)`` frame numbers.
            path: ``n`` byte strings.
            item: Index among the images of one tracklet in one frame.
            more: Further columns, the same in every call.
        """
        if n := len(path):
            part: dict[str, np.ndarray] = {
                'video': np.full(n, video, np.int32),
                'tracklet': np.full(n, tracklet, np.int64),
                'frame': np.full(n, frame, np.int64),
                'item': np.full(n, item, np.int32),
                'path': np.asarray(path, 'S'),
            }
            self._parts.append({**part, **more})

    def renumber(self, name: str, numbers: np.ndarray) -> None:
        """Replace the value ``v`` of a column by ``numbers[v]``."""
        for part in self._parts:
            part[name] = numbers[part[name]]

    def sorted_rows(self, report: SkipReport) -> dict[str, np.ndarray]:
        """Return all rows as columns, sorted by video, tracklet and frame.

        Of rows with equal video, tracklet, frame and item the first stays.
        The builder is empty afterwards.

        Args:
            report: Gets the number of duplicates.

        Raises:
            UserError: If there are no rows.
        """
        if not self._parts:
            raise UserError('there are no images to make a table of.')
        # Ten million rows fit because no column is there twice for long:
        # parts are freed while they are joined, and keys while rows move.
        rows = {
            name: join_parts([part.pop(name) for part in self._parts])
            for name in list(self._parts[0])
        }
        self._parts = []
        keys = [rows[name] for name in _KEYS]
        if first_unsorted(keys) is not None:
            order = np.lexsort(keys[::-1])
            del keys
            for name in rows:
                rows[name] = rows[name][order]
        # (N,) rows of which a key differs from that of the row before
        new = np.zeros(len(rows['path']), bool)
        new[0] = True
        for name in _KEYS:
            new[1:] |= np.diff(rows[name]) != 0
        repeated = np.flatnonzero(~new)
        if len(repeated):
            names = [printable(path) for path in rows['path'][repeated[:5]]]
            report.skip(DUPLICATE, *names, count=len(repeated))
            rows = {name: column[new] for name, column in rows.items()}
        return rows


def index_in_run(group: np.ndarray) -> np.ndarray:
    """Return the index of every element within its run of equal values.

    Args:
        group: ``(N,)`` values; the result is ``(N,)`` int64.
    """
    # the first element differs from what is put before it
    starts = np.flatnonzero(np.diff(group, prepend=group[:1] - 1))
    sizes = np.diff(starts, append=len(group))
    return np.arange(len(group)) - np.repeat(starts, sizes)
