"""Boxes of people that other programs wrote to files."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from mmcion.utils.checks import (
    UserError,
    check_choice,
    check_columns,
    check_file,
)
from mmcion.utils.safe_pickle import load_pickle
from mmcion.utils.skip_report import SkipReport

from .detections import Detections

BOX_SUFFIXES = ('.txt', '.csv', '.pkl')
_PEDESTRIAN = 1  # class of people who stand or walk (MOT16)

NOT_COUNTED = 'box that does not count (its flag is 0)'
NO_PERSON = 'box of another class than pedestrian'
HIDDEN = 'box whose visible fraction is too small'
NO_ID = 'box without an id'
TWICE = 'the same id in the same frame again'


def read_mot(
    path: str | Path,
    report: SkipReport | None = None,
    *,
    tracked: bool = False,
    min_visibility: float = 0,
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

    An id below 0 means that the box belongs to no track.

    Args:
        path: Lines of numbers, separated by commas.
        report: Counts the rows that are left out.
        tracked: Whether to leave out boxes without an id and further boxes
            of an id in the same frame.
        min_visibility: Least visible fraction of ground truth, in [0, 1].

    Returns:
        ``(n, 7)`` float64 frame, id, x, y, w, h, score in the order of the
        file; frames are numbered as there, by the definition from 1.

    Raises:
        FileNotFoundError: If the file is missing.
        UserError: If it has other content.
    """
    path = check_file(path, 'box file')
    rows = _read_numbers(path)
    kept = np.ones(len(rows), bool)

    def drop(reason: str, wrong: np.ndarray) -> None:
        """Leave rows out; each is reported with its first reason."""
        gone = np.flatnonzero(kept & wrong)
        kept[gone] = False
        if report is not None and len(gone):
            inside = path.parent.name in ('gt', 'det')
            name = path.parents[1].name if inside else path.stem
            some = [
                f'{name} frame {f:g} id {i:g}' for f, i in rows[gone[:5], :2]
            ]
            report.skip(reason, *some, count=len(gone))

    classes = rows.shape[1] == 9 and (rows[:, 7] != -1).any()
    truth = path.name == 'gt.txt' or (classes and path.name != 'det.txt')
    if truth and rows.shape[1] > 6:
        drop(NOT_COUNTED, rows[:, 6] == 0)
    if truth and classes:
        drop(NO_PERSON, rows[:, 7] != _PEDESTRIAN)
        drop(HIDDEN, rows[:, 8] < min_visibility)
    if tracked:
        drop(NO_ID, rows[:, 1] < 0)
        # stable: of the kept rows of a frame and an id the first one stays
        order = np.lexsort((rows[:, 1], rows[:, 0]))
        order = order[kept[order]]
        again = np.zeros(len(rows), bool)
        again[order[1:]] = ~np.diff(rows[order, :2], axis=0).any(axis=1)
        drop(TWICE, again)
    rows = rows[kept]
    scored = rows.shape[1] > 6 and not truth
    score = rows[:, 6] if scored else np.ones(len(rows))
    return np.column_stack((rows[:, :6], score))


def _read_numbers(path: Path) -> np.ndarray:
    """Return lines of numbers as ``(n, columns)``, at least 6 columns."""
    try:
        lines = [x for x in path.read_text().splitlines() if x.strip()]
        if not lines:
            return np.empty((0, 7))
        rows = np.loadtxt(lines, delimiter=',', comments=None, ndmin=2)
    except ValueError as error:
        raise UserError(f'{path} is not MOTChallenge text: {error}') from error
    if rows.shape[1] < 6 or not np.isfinite(rows).all():
        raise UserError(
            f'{path} must have 6 to 10 finite numbers in every line, '
            f'frame,id,x,y,w,h,...; it has {rows.shape[1]} columns.'
        )
    return rows


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


def read_box_file(
    path: str | Path, *, first_frame: int | None = None
) -> BoxFile:
    """Read a file of boxes in the format of its suffix.

    - ``.txt``: MOTChallenge, frames from 1; see ``read_mot``.
    - ``.csv``: columns ``frame,x,y,w,h`` and optionally ``score`` and
      ``id``, named in the first line, frames from 1.
    - ``.pkl``: LUPerson (frames from 1) or LUPerson-NL (with ``pid``, frames
      from 0): ``{frame: [[number, {'bbox': x1 y1 x2 y2, 'pid': n}]]}``.

    Args:
        path: File of boxes.
        first_frame: Number of the first frame, if not as stated above.

    Raises:
        FileNotFoundError: If the file is missing.
        UserError: If it has another format.
    """
    path = check_file(path, 'box file')
    suffix = path.suffix.lower()
    check_choice(f'suffix of box file {path}', suffix, BOX_SUFFIXES)
    first = 1
    if suffix == '.pkl':
        frames, detections = _read_luperson(path)
        # LUPerson-NL has identities and counts frames from 0
        first = 1 if detections.ids is None else 0
    else:
        if suffix == '.txt':
            rows = read_mot(path)
            with_ids = bool((rows[:, 1] >= 0).any())
        else:
            rows, with_ids = _read_csv(path)
        frames, ids = rows[:, 0], rows[:, 1] if with_ids else None
        corners = np.hstack((rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]))
        detections = Detections(corners, rows[:, 6], ids)
    if not (np.isfinite(frames).all() and np.isfinite(detections.boxes).all()):
        raise UserError(f'{path} has numbers that are not finite.')
    first = first if first_frame is None else first_frame
    if len(frames) and frames.min() < first:
        raise UserError(
            f'{path} has frame {frames.min():g}, but the first frame is '
            f'{first}; set first_frame to its number.'
        )
    return BoxFile(frames - first, detections)


def _read_csv(path: Path) -> tuple[np.ndarray, bool]:
    """Return rows like those of ``read_mot``, and whether there are ids."""
    defaults = {'frame': 0, 'id': -1, 'x': 0, 'y': 0, 'w': 0, 'h': 0}
    defaults['score'] = 1
    with open(path, newline='') as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        try:
            found = reader.fieldnames or []
            check_columns(path, found, ['frame', 'x', 'y', 'w', 'h'])
            rows = [
                [float(row.get(name, defaults[name])) for name in defaults]
                for row in reader
            ]
        except UserError:
            raise
        except (TypeError, ValueError, csv.Error) as error:
            line = reader.line_num
            raise UserError(f'{path} line {line}: {error}') from error
    return np.asarray(rows).reshape(-1, len(defaults)), 'id' in found


def _read_luperson(path: Path) -> tuple[np.ndarray, Detections]:
    frames, boxes, ids = [], [], []
    try:
        for frame, people in load_pickle(path).items():
            for _, person in people:
                frames.append(int(frame))
                boxes.append(np.asarray(person['bbox'], np.float32)[:4])
                ids.append(int(person.get('pid', -1)))
        corners = np.asarray(boxes, np.float32).reshape(-1, 4)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f'{path} is not a pickle of LUPerson or LUPerson-NL, '
            f'{{frame: [[number, {{"bbox": ...}}]]}}: {error!r}'
        ) from error
    pids = np.array(ids) if any(pid >= 0 for pid in ids) else None
    detections = Detections(corners, np.ones(len(corners)), pids)
    return np.asarray(frames, np.int64), detections
