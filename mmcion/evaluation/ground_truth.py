from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmcion.structures import TrackletTable
from mmcion.structures.columns import as_floats, as_integers, check_finite
from mmcion.utils.checks import (
    UserError,
    check_choice,
    check_interval,
    check_same_length,
    name_in_errors,
)
from mmcion.utils.csv_table import read_csv_rows

# columns and their types
_BOX_FIELDS = dict.fromkeys(('frame', 'id', 'x', 'y', 'w', 'h'), float)
_PERSON_FIELDS = {'id': int, 'person': str}


@dataclass
class GroundTruth:
    """Ground-truth boxes of one video, in any order.

    Attributes:
        frame: ``(M,)`` int64 frame index, from 0 as in a TrackletTable.
        pid: ``(M,)`` int64 identity, from 0.
        box: ``(M, 4)`` float64 ``x, y, w, h`` in pixels.
    """

    frame: np.ndarray
    pid: np.ndarray
    box: np.ndarray

    def __post_init__(self) -> None:
        self.frame = as_integers('frame', self.frame, np.int64)
        self.pid = as_integers('id', self.pid, np.int64)
        self.box = as_floats('box', self.box)
        check_finite('box', self.box)
        check_same_length(frame=self.frame, id=self.pid, box=self.box)


def read_truth(
    boxes: str | Path, persons: str | Path | None = None
) -> GroundTruth:
    """Read ground-truth boxes from a CSV file.

    Args:
        boxes: File with the header ``frame,id,x,y,w,h``; frames count from
            1, as in MOTChallenge.
        persons: File with the header ``id,person``, for data in which one
            person has several ids (one per visit). Persons are numbered in
            sorted order.

    Raises:
        UserError: If the file is damaged or an id has no person.
    """
    rows = _read_csv(boxes, _BOX_FIELDS)
    values = np.array(rows).reshape(-1, len(_BOX_FIELDS))  # (M, 6)
    # frames count from 0 from here on
    with name_in_errors(boxes):
        frame = as_integers('frame', values[:, 0], np.int64) - 1
        truth = GroundTruth(frame, values[:, 1], values[:, 2:])
    if persons is not None:
        person = dict(_read_csv(persons, _PERSON_FIELDS))
        names = sorted(set(person.values()))
        ids = truth.pid.tolist()
        if missing := sorted(set(ids) - set(person)):
            raise UserError(f'{persons} has no person for the ids {missing}.')
        truth.pid = np.array([names.index(person[i]) for i in ids], np.int64)
    return truth


def _read_csv(
    path: str | Path, fields: Mapping[str, Callable[[str], Any]]
) -> list[list[Any]]:
    """Return the rows of a file, each value of the type of its column."""
    rows = list(read_csv_rows(path, tuple(fields), what='ground truth'))
    kinds = fields.values()
    try:
        return [
            [kind(text) for kind, text in zip(kinds, values, strict=True)]
            for _, values in rows
        ]
    except ValueError as error:
        raise UserError(f'{path}: {error}') from error


def match_truth(
    table: TrackletTable,
    truth: GroundTruth | Mapping[str, GroundTruth],
    *,
    min_iou: float = 0.5,
) -> np.ndarray:
    """Assign rows to ground-truth identities, one to one within a frame.

    In every frame the assignment with the largest sum of overlaps is taken.

    Args:
        table: Tracklets with boxes.
        truth: Boxes of the only recording, or of several by their names in
            ``table.sources``. Frames are those of the recording, also where
            it was cut into clips.
        min_iou: Smallest intersection over union of a pair, in (0, 1].

    Returns:
        ``(N,)`` int64 identities, -1 where no ground-truth box overlaps.
    """
    from scipy.optimize import linear_sum_assignment  # takes half a second

    check_interval('(0, 1]', min_iou=min_iou)
    truth = truth_by_recording(table, truth)
    assert table.box is not None
    pid = np.full(len(table), -1, np.int64)
    for video, source in enumerate(table.sources):
        if source not in truth:
            continue
        one = truth[source]
        # rows of a video are consecutive: start:stop
        start, stop = table.video_ptr[video : video + 2]
        box = np.asarray(table.box[start:stop], float)
        for found, true in rows_by_frame(table.frame[start:stop], one.frame):
            overlap = box_iou(box[found], one.box[true])  # (A, B)
            # the Hungarian method pairs all it can; pairs without gain go
            gain = np.where(overlap >= min_iou, overlap, 0)
            i, j = linear_sum_assignment(gain, maximize=True)
            good = gain[i, j] > 0
            pid[start + found[i[good]]] = one.pid[true[j[good]]]
    return pid


def truth_by_recording(
    table: TrackletTable, truth: GroundTruth | Mapping[str, GroundTruth]
) -> Mapping[str, GroundTruth]:
    """Return the truth of recordings by their names in ``table.sources``.

    Raises:
        UserError: If the table has no boxes, or the truth is of other
            recordings.
    """
    if table.box is None:
        raise UserError('the table has no boxes to compare with the truth.')
    check_finite('box', table.box)
    sources = sorted(set(table.sources))
    if isinstance(truth, GroundTruth):
        if len(sources) != 1:
            raise UserError(
                f'give the truth of each of {len(sources)} recordings by name.'
            )
        return {sources[0]: truth}
    for name in truth:
        check_choice('recording', name, sources)
    return truth


def rows_by_frame(
    first: np.ndarray, second: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the rows of both, for every frame that one of them has."""
    groups = []
    for frame in (first, second):
        order = np.argsort(frame, kind='stable')
        frames, starts = np.unique(frame[order], return_index=True)
        parts = np.split(order, starts[1:])
        groups.append(dict(zip(frames.tolist(), parts, strict=False)))
    none = np.zeros(0, np.int64)
    return [
        (groups[0].get(frame, none), groups[1].get(frame, none))
        for frame in sorted(groups[0].keys() | groups[1].keys())
    ]


def box_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return ``(A, B)`` intersections over unions of ``x, y, w, h`` boxes."""
    a, b = first[:, None], second[None]
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    common = np.clip(high - low, 0, None).prod(axis=-1)
    union = a[..., 2:].prod(axis=-1) + b[..., 2:].prod(axis=-1) - common
    return common / np.maximum(union, np.finfo(float).tiny)
