"""Boxes of people that other programs wrote to files."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import numpy as np

from mmcion.utils.checks import (
    UserError,
    check_choice,
    check_file,
    check_interval,
)
from mmcion.utils.csv_table import read_csv_rows
from mmcion.utils.io import open_text
from mmcion.utils.safe_pickle import load_pickle
from mmcion.utils.skip_report import SkipReport

from .box_rows import BOX_COLUMNS, check_rows, kept_rows
from .detections import Detections

BOX_SUFFIXES = ('.txt', '.csv', '.pkl')
_PEDESTRIAN = 1  # class of people who stand or walk (MOT16)

NOT_COUNTED = 'box that does not count (its flag is 0)'
NO_PERSON = 'box of another class than pedestrian (1)'
HIDDEN = 'box whose visible fraction is too small'


def read_mot(
    path: str | Path,
    report: SkipReport | None = None,
    *,
    tracked: bool = False,
    min_visibility: float = 0,
    first_frame: int = 1,
) -> np.ndarray:
    """Read the boxes of pedestrians that count from MOTChallenge text.

    A line is ``frame,id,x,y,w,h`` and up to four further columns:

    - Ground truth is a file named ``gt.txt``, or one that has nine columns
      with classes and is not named ``det.txt``. Column 7 is a flag: rows
      with 0 do not count (motchallenge.net/instructions). All scores are 1.
    - Nine columns of ground truth end in class and visibility (data format
      of MOT16, arXiv:1603.00831); only pedestrians count. In other widths
      (MOT15), and where all classes are -1, columns 8 to 10 are not used.
    - Everything else is a detector's or a tracker's output: all rows count,
      and column 7 is their confidence, 1 where it is missing.

    An id below 0 means that the box belongs to no track. Further boxes of an
    id in the same frame are left out, and boxes smaller than a pixel.

    Args:
        path: Lines of numbers, separated by commas, semicolons or blanks.
        report: Counts the rows that are left out.
        tracked: Whether to leave out boxes without an id.
        min_visibility: Least visible fraction of ground truth, in [0, 1].
        first_frame: Number of the first frame.

    Returns:
        ``(n, 7)`` float64 frame, id, x, y, w, h, score in the order of the
        file; frames are numbered as there, by the definition from 1.

    Raises:
        FileNotFoundError: If the file is missing.
        UserError: If it has other content.
    """
    path = check_file(path, 'box file')
    lines, rows = _read_numbers(path)
    check_rows(path, rows, lambda row: f'line {lines[row]}', first_frame)
    classes = rows.shape[1] == 9 and (rows[:, 7] != -1).any()
    truth = path.name == 'gt.txt' or (classes and path.name != 'det.txt')
    rules = []
    if truth and rows.shape[1] > 6:
        rules.append((NOT_COUNTED, rows[:, 6] == 0))
    if truth and classes:
        rules.append((NO_PERSON, rows[:, 7] != _PEDESTRIAN))
        rules.append((HIDDEN, rows[:, 8] < min_visibility))
    rows = rows[kept_rows(path, rows, report, rules, tracked=tracked)]
    scored = rows.shape[1] > 6 and not truth
    score = rows[:, 6] if scored else np.ones(len(rows))
    return np.column_stack((rows[:, :6], score))


def _read_numbers(path: Path) -> tuple[list[int], np.ndarray]:
    """Return numbers of lines, and their content as ``(n, columns)``."""
    with open_text(path) as stream:
        every = enumerate(stream.read().splitlines(), 1)
        lines = {number: line for number, line in every if line.strip()}
    if not lines:
        return [], np.empty((0, 7))
    first = next(iter(lines.values()))
    separator = next((mark for mark in ',;' if mark in first), None)
    try:
        rows = np.loadtxt(
            list(lines.values()), delimiter=separator, comments=None, ndmin=2
        )
    except ValueError as error:
        width = len(first.split(separator))
        for number, line in lines.items():  # NumPy counts without empty ones
            with suppress(ValueError):
                row = np.loadtxt([line], delimiter=separator, comments=None)
                if row.size == width:
                    continue
            raise UserError(
                f'{path} line {number}: {line!r} is not {width} numbers.'
            ) from error
        raise
    columns = {f'number of columns of {path}': rows.shape[1]}
    check_interval('[6, 10]', **columns)
    return list(lines), rows


class BoxFile:
    """The boxes of one video, by frame.

    Args:
        frames: ``(n,)`` frame indices from 0, in any order.
        detections: The ``n`` boxes; ids, if any, are kept.
    """

    def __init__(self, frames: np.ndarray, detections: Detections) -> None:
        frames = np.asarray(frames, np.int64)
        # sorted once, so that the boxes of a frame are a slice
        order = np.argsort(frames, kind='stable')
        self.frames = frames[order]
        self.detections = detections[order]

    def frame(self, index: int) -> Detections:
        """Return the boxes of a frame, in the order of the file."""
        first, last = np.searchsorted(self.frames, (index, index + 1))
        return self.detections[np.arange(first, last)]


def box_suffix(path: Path) -> str:
    """Return the suffix of a box file, or raise ``UserError``."""
    suffix = path.suffix.lower()
    check_choice(f'suffix of box file {path}', suffix, BOX_SUFFIXES)
    return suffix


def read_box_file(
    path: str | Path,
    *,
    first_frame: int | None = None,
    report: SkipReport | None = None,
    ignore: Collection[str] = (),
) -> BoxFile:
    """Read a file of boxes in the format of its suffix.

    - ``.txt``: MOTChallenge, frames from 1; see ``read_mot``.
    - ``.csv``: columns ``frame,x,y,w,h`` and optionally ``score`` and
      ``id``, named in the first line, frames from 1.
    - ``.pkl``: LUPerson (frames from 1) or LUPerson-NL (with ``pid``, frames
      from 0): ``{frame: [[number, {'bbox': x1 y1 x2 y2, 'pid': n}]]}``.

    In all of them, further boxes of an id in the same frame are left out,
    and boxes smaller than a pixel.

    Args:
        path: File of boxes.
        first_frame: Number of the first frame, if not as stated above.
        report: Counts the boxes that are left out.
        ignore: Columns of a CSV to ignore.

    Raises:
        FileNotFoundError: If the file is missing.
        UserError: If it has another format.
    """
    path = check_file(path, 'box file')
    suffix = box_suffix(path)
    first = 1 if first_frame is None else first_frame
    if suffix == '.txt':
        rows = read_mot(path, report, first_frame=first)
        with_ids = bool((rows[:, 1] >= 0).any())
    elif suffix == '.csv':
        lines, rows, with_ids = _read_csv(path, ignore)
        check_rows(path, rows, lambda row: f'line {lines[row]}', first)
        rows = rows[kept_rows(path, rows, report)]
    else:
        rows = _read_luperson(path)
        with_ids = bool((rows[:, 1] >= 0).any())
        # LUPerson-NL has identities and counts frames from 0
        first = 0 if with_ids and first_frame is None else first
        check_rows(path, rows, lambda row: f'box {row + 1}', first)
        rows = rows[kept_rows(path, rows, report)]
    corners = np.hstack((rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]))
    # where no box is left, nothing needs a tracker
    ids = rows[:, 1] if with_ids or not len(rows) else None
    detections = Detections(corners, rows[:, 6], ids)
    return BoxFile(rows[:, 0] - first, detections)


def _read_csv(
    path: Path, ignore: Collection[str]
) -> tuple[list[int], np.ndarray, bool]:
    """Return line numbers, rows ``(n, 7)``, and whether there are ids."""
    lines, rows = [], []
    with_ids = False
    for line, values in read_csv_rows(
        path,
        ('frame', 'x', 'y', 'w', 'h'),
        ('id', 'score'),
        ignore=ignore,
        what='box file',
        hint='--cfg-options detector.ignore=COLUMN ignores a column.',
    ):
        frame, x, y, w, h, track, score = values
        with_ids = track is not None
        track = -1 if track is None else track
        score = 1 if score is None else score
        try:
            rows.append([*map(float, (frame, track, x, y, w, h, score))])
        except ValueError as error:
            raise UserError(f'{path} line {line}: {error}') from error
        lines.append(line)
    return lines, np.asarray(rows, float).reshape(-1, 7), with_ids


def _read_luperson(path: Path) -> np.ndarray:
    """Return the rows ``(n, 7)`` of a pickle."""
    rows = []
    try:
        for frame, people in load_pickle(path).items():
            for _, person in people:
                box = np.asarray(person['bbox'], np.float32)[:4]
                x1, y1, x2, y2 = map(float, box)
                pid = float(person.get('pid', -1))
                rows.append((float(frame), pid, x1, y1, x2 - x1, y2 - y1, 1))
    except Exception as error:  # a pickle may hold anything
        raise UserError(
            f'{path} is not {{frame: [[number, {{"bbox": ...}}]]}}, as of '
            f'LUPerson: {error!r}'
        ) from error
    return np.asarray(rows, float).reshape(-1, len(BOX_COLUMNS))
