"""Rows of a box file: what they must be, and which are left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mmcion.utils.checks import UserError
from mmcion.utils.skip_report import SkipReport

# the first columns of MOTChallenge, to which all formats are converted
BOX_COLUMNS = ('frame', 'id', 'x', 'y', 'w', 'h', 'score')

NO_ID = 'box without an id'
TWICE = 'the same id, or the same box without id, in the same frame again'
TINY = 'box narrower or lower than a pixel'


def check_rows(
    path: Path,
    rows: np.ndarray,
    where: Callable[[int], str],
    first_frame: int,
) -> None:
    """Raise ``UserError`` for numbers that are no frames, ids or boxes.

    Args:
        path: File that was read, for messages.
        rows: ``(n, 6 or more)`` numbers, ``BOX_COLUMNS`` first.
        where: Function from the index of a row to its place in the file.
        first_frame: Number of the first frame.
    """
    frame, size = rows[:, 0], rows[:, 4:6]
    problems = [
        (column, ~np.isfinite(rows[:, column]), 'is not finite')
        for column in range(rows.shape[1])
    ]
    for column in (0, 1):
        values = rows[:, column]
        # from 2 ** 53 on, two integers can be the same float64
        whole = (np.abs(values) < 2**53) & (values == np.trunc(values))
        problems.append((column, ~whole, 'is no whole number below 2 ** 53'))
    lowest = int(frame.min(initial=first_frame))
    hint = (
        f'is below {first_frame}, the first one; set detector.first_frame='
        f'{lowest} (--cfg-options of extract_tracklets.py), or add '
        f'{first_frame - lowest} to the frames of the file'
    )
    problems.append((0, frame < first_frame, hint))
    for column, wrong, rule in problems:
        if wrong.any():
            row = int(np.argmax(wrong))
            name = (*BOX_COLUMNS, 'column 8', 'column 9', 'column 10')[column]
            raise UserError(
                f'{path} {where(row)}: {name} {rows[row, column]:.16g} {rule}.'
            )
    if len(rows) and (size <= 1).all():
        raise UserError(
            f'{path} has no box larger than a pixel; boxes must be in pixels, '
            f'not in fractions of the image.'
        )


def kept_rows(
    path: Path,
    rows: np.ndarray,
    report: SkipReport | None,
    rules: Sequence[tuple[str, np.ndarray]] = (),
    *,
    tracked: bool = False,
) -> np.ndarray:
    """Return ``(n,)`` bool, the rows that no rule leaves out.

    Args:
        path: File that was read; names the examples.
        rows: As for ``check_rows``.
        report: Counts each row that is left out, with its first reason.
        rules: Reasons and ``(n,)`` masks of the format.
        tracked: Whether to leave out boxes without an id.
    """
    kept = np.ones(len(rows), bool)
    # detections and ground truth are named after the folder of the sequence
    inside = path.parent.name in ('gt', 'det')
    name = path.parents[1].name if inside else path.stem

    def drop(reason: str, wrong: np.ndarray) -> None:
        gone = np.flatnonzero(kept & wrong)
        kept[gone] = False
        if report is not None and len(gone):
            some = [
                f'{name} frame {f:.0f} id {i:.0f}'
                for f, i in rows[gone[:5], :2]
            ]
            report.skip(reason, *some, count=len(gone))

    for reason, wrong in rules:
        drop(reason, wrong)
    drop(TINY, np.minimum(rows[:, 4], rows[:, 5]) < 1)
    if tracked:
        drop(NO_ID, rows[:, 1] < 0)
    # a box is known by its id, and without one by its corners
    keys = rows[kept, :6]
    with_id = keys[:, 1] >= 0
    keys[with_id, 2:] = 0
    keys[~with_id, 1] = -1
    # stable: of equal rows the first one stays
    order = np.lexsort(keys.T[::-1])
    same = (np.diff(keys[order], axis=0) == 0).all(axis=1)
    again = np.zeros(len(rows), bool)
    again[np.flatnonzero(kept)[order[1:][same]]] = True
    drop(TWICE, again)
    return kept
