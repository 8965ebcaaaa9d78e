"""Give rows of a tracklet table the true identity of the box they show."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from mmcion.structures import TrackletTable

_BOX_FIELDS = ('frame', 'id', 'x', 'y', 'w', 'h')


@dataclass
class GroundTruth:
    """True boxes of one video, in any order.

    Attributes:
        frame: ``(M,)`` int64 frame number, from 0 as in a TrackletTable.
        pid: ``(M,)`` int64 identity, from 0.
        box: ``(M, 4)`` float64 ``x, y, w, h`` in pixels.
    """

    frame: np.ndarray
    pid: np.ndarray
    box: np.ndarray


def read_truth(
    boxes: str | Path, persons: str | Path | None = None
) -> GroundTruth:
    """Read true boxes from a CSV file.

    Args:
        boxes: file with the header ``frame,id,x,y,w,h``; frames count from
            1, as in MOTChallenge.
        persons: file with the header ``id,person``, for data in which one
            person has several ids (one per visit). Persons are numbered in
            sorted order.

    Raises:
        ValueError: if a column is missing, a value is no number, or an id
            has no person; names the file.
    """
    lines = _read_csv(boxes, _BOX_FIELDS)
    try:
        values = np.array(
            [[float(line[name]) for name in _BOX_FIELDS] for line in lines]
        ).reshape(-1, len(_BOX_FIELDS))
    except ValueError as error:
        raise ValueError(f'{boxes}: {error}') from error
    pid = values[:, 1].astype(np.int64)
    if persons is not None:
        pid = _to_persons(pid, persons)
    return GroundTruth(values[:, 0].astype(np.int64) - 1, pid, values[:, 2:])


def match_truth(
    table: TrackletTable,
    truth: GroundTruth | Mapping[str, GroundTruth],
    *,
    min_iou: float = 0.5,
) -> np.ndarray:
    """Assign rows to true identities, one to one within a frame.

    In every frame the assignment with the largest sum of overlaps is taken
    among pairs with an intersection over union of at least ``min_iou``.

    Args:
        table: needs boxes.
        truth: of the only recording, or by its name in ``table.sources``;
            its frames are those of the recording, also where that was cut
            into clips. Rows without truth stay unmatched.
        min_iou: in (0, 1].

    Returns:
        ``(N,)`` int64 identities, -1 where no true box fits.

    Raises:
        ValueError: if the table has no boxes, or several recordings and one
            unnamed truth, or a name that no recording has.
    """
    if table.box is None:
        raise ValueError('the table has no boxes to compare with the truth.')
    pid = np.full(len(table), -1, np.int64)
    by_source = _by_source(table, truth)
    for video, source in enumerate(table.sources):
        if source not in by_source:
            continue
        one = by_source[source]
        rows = slice(*table.video_ptr[video : video + 2])
        frame, box = table.frame[rows], np.asarray(table.box[rows], float)
        for mine, theirs in _same_frame(frame, one.frame):
            overlap = box_iou(box[mine], one.box[theirs])
            gain = np.where(overlap >= min_iou, overlap, 0)
            i, j = linear_sum_assignment(gain, maximize=True)
            good = gain[i, j] > 0
            pid[rows.start + mine[i[good]]] = one.pid[theirs[j[good]]]
    return pid


def box_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return ``(A, B)`` intersections over unions of ``x, y, w, h`` boxes."""
    a, b = first[:, None], second[None]
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    common = np.clip(high - low, 0, None).prod(axis=-1)
    union = a[..., 2:].prod(axis=-1) + b[..., 2:].prod(axis=-1) - common
    return common / np.maximum(union, np.finfo(float).tiny)


def _same_frame(
    first: np.ndarray, second: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the indices into both for every frame that both have."""
    groups = []
    for frame in (first, second):
        order = np.argsort(frame, kind='stable')
        names, starts = np.unique(frame[order], return_index=True)
        parts = np.split(order, starts[1:])
        groups.append(dict(zip(names.tolist(), parts, strict=False)))
    common = sorted(groups[0].keys() & groups[1].keys())
    return [(groups[0][frame], groups[1][frame]) for frame in common]


def _by_source(
    table: TrackletTable, truth: GroundTruth | Mapping[str, GroundTruth]
) -> Mapping[str, GroundTruth]:
    sources = sorted(set(table.sources))
    if isinstance(truth, GroundTruth):
        if len(sources) != 1:
            raise ValueError(
                f'the table has {len(sources)} recordings; give the truth '
                f'by name, as a dict.'
            )
        return {sources[0]: truth}
    unknown = sorted(set(truth) - set(sources))
    if unknown:
        raise ValueError(
            f'there is truth for {unknown}, but the recordings of the table '
            f'are {sources[:20]}.'
        )
    return truth


def _to_persons(pid: np.ndarray, persons: str | Path) -> np.ndarray:
    lines = _read_csv(persons, ('id', 'person'))
    names = sorted({line['person'] for line in lines})
    person = {int(line['id']): names.index(line['person']) for line in lines}
    missing = sorted(set(pid.tolist()) - set(person))
    if missing:
        raise ValueError(f'{persons} names no person for the ids {missing}.')
    return np.array([person[i] for i in pid.tolist()], np.int64)


def _read_csv(path: str | Path, fields: tuple[str, ...]) -> list[dict]:
    with open(path, newline='') as file:
        reader = csv.DictReader(file)
        missing = set(fields) - set(reader.fieldnames or ())
        if missing:
            raise ValueError(
                f'{path} must have the header {",".join(fields)}; '
                f'{sorted(missing)} missing in {reader.fieldnames}.'
            )
        return list(reader)
