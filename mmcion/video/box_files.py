"""Boxes of people that other programs wrote to files."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmcion.utils.safe_pickle import load_pickle

from .detections import Detections

# MOTChallenge's class numbers of people who stand or walk by themselves.
_MOT_PEDESTRIAN = 1
_MOT_TRUTH_COLUMNS = 9


class BoxFile:
    """The boxes of one video, by frame.

    Args:
        frames: ``(n,)`` frame numbers from 0, in any order.
        detections: the ``n`` boxes; ids, if any, are kept.
    """

    def __init__(self, frames: np.ndarray, detections: Detections) -> None:
        frames = np.asarray(frames, np.int64)
        if len(frames) and frames.min() < 0:
            raise ValueError(
                f'frame numbers start at {frames.min()} below the first '
                f'frame; set first_frame to the number of the first frame.'
            )
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
    """Read a file of boxes; its ending says which kind it is.

    - ``.txt``: MOTChallenge ``frame,id,x,y,w,h,score,...``, frames from 1.
      With nine columns it is ground truth, whose seventh column says
      whether a row counts and whose eighth is the class: people are kept.
    - ``.csv``: columns ``frame,x,y,w,h`` and, if wanted, ``score`` and
      ``id``, named in the first line, frames from 1.
    - ``.pkl``: LUPerson (frames from 1) or LUPerson-NL (with ``pid``, frames
      from 0): ``{frame: [[number, {'bbox': x1 y1 x2 y2, 'pid': n}]]}``.

    Args:
        path: the file.
        first_frame: number of the first frame, if not as said above.

    Raises:
        FileNotFoundError: if the file is missing.
        ValueError: if it is of another kind; names file and line.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'there is no box file {path}')
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ValueError(
            f'{path} ends in {path.suffix!r}; box files end in '
            f'{", ".join(READERS)}.'
        )
    frames, detections, usual_first = reader(path)
    if not (np.isfinite(frames).all() and np.isfinite(detections.boxes).all()):
        raise ValueError(f'{path} holds numbers that are not finite.')
    first = usual_first if first_frame is None else first_frame
    return BoxFile(frames - first, detections)


_Read = tuple[np.ndarray, Detections, int]


def _read_mot(path: Path) -> _Read:
    rows = _numbers(path)
    if not rows.size:
        return np.empty(0), Detections.empty(), 1
    if rows.shape[1] == _MOT_TRUTH_COLUMNS:
        rows = rows[(rows[:, 6] != 0) & (rows[:, 7] == _MOT_PEDESTRIAN)]
    score = rows[:, 6] if rows.shape[1] > 6 else np.ones(len(rows))
    ids = rows[:, 1] if (rows[:, 1] >= 0).any() else None
    return rows[:, 0], _from_xywh(rows[:, 2:6], score, ids), 1


def _numbers(path: Path) -> np.ndarray:
    """Read lines of comma-separated numbers, equally many in each."""
    rows: list[list[float]] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = [float(value) for value in line.split(',')]
        except ValueError as error:
            raise ValueError(f'{path} line {number}: {error}') from error
        if len(row) < 6 or len(row) != len(rows[0] if rows else row):
            raise ValueError(
                f'{path} line {number} has {len(row)} numbers; MOTChallenge '
                f'has at least 6, frame,id,x,y,w,h, and equally many in '
                f'every line.'
            )
        rows.append(row)
    return np.asarray(rows)


def _read_csv(path: Path) -> _Read:
    with open(path, newline='') as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        columns = reader.fieldnames or []
        missing = {'frame', 'x', 'y', 'w', 'h'} - set(columns)
        if missing:
            raise ValueError(
                f'{path} has the columns {columns} in its first line and '
                f'lacks {sorted(missing)}.'
            )
        names = [n for n in ('score', 'id') if n in columns]
        names = ['frame', 'x', 'y', 'w', 'h', *names]
        rows = []
        for row in reader:
            try:
                rows.append([float(row[name]) for name in names])
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f'{path} line {reader.line_num}: {error}'
                ) from error
    table = np.asarray(rows).reshape(-1, len(names))
    column = dict(zip(names, table.T, strict=True))
    score = column.get('score', np.ones(len(table)))
    boxes = _from_xywh(table[:, 1:5], score, column.get('id'))
    return column['frame'], boxes, 1


def _read_luperson(path: Path) -> _Read:
    content = load_pickle(path)
    frames, boxes, ids = [], [], []
    try:
        for frame, people in content.items():
            for _, person in people:
                frames.append(int(frame))
                boxes.append(np.asarray(person['bbox'], np.float32)[:4])
                ids.append(int(person.get('pid', -1)))
        xyxy = np.asarray(boxes, np.float32).reshape(-1, 4)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'{path} is not a pickle of LUPerson or LUPerson-NL, '
            f'{{frame: [[number, {{"bbox": ...}}]]}}: {error!r}'
        ) from error
    with_ids = any(pid >= 0 for pid in ids)
    detections = Detections(
        xyxy, np.ones(len(xyxy)), np.asarray(ids) if with_ids else None
    )
    return np.asarray(frames, np.int64), detections, 0 if with_ids else 1


READERS: dict[str, Callable[[Path], _Read]] = {
    '.txt': _read_mot,
    '.csv': _read_csv,
    '.pkl': _read_luperson,
}


def _from_xywh(
    xywh: np.ndarray, score: np.ndarray, ids: np.ndarray | None
) -> Detections:
    boxes = np.concatenate((xywh[:, :2], xywh[:, :2] + xywh[:, 2:]), axis=1)
    return Detections(boxes, score, ids)
