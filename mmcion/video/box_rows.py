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
    """Raise ``UserError`` for wrong numbers; ``where`` names their row."""
    numbers = rows[:, :2]  # frames and ids
    # from 2 ** 53 on, two integers can be the same float64
    whole = (np.abs(numbers) < 2**53) & (numbers == np.trunc(numbers))
    good = np.hstack((whole, np.isfinite(rows[:, 2:])))
    for row, column in np.argwhere(~good)[:1]:
        name = (*BOX_COLUMNS, 'column 8', 'column 9', 'column 10')[column]
        rule = 'finite' if column > 1 else 'a whole number below 2 ** 53'
        value = f'{rows[row, column]:.16g}'
        raise UserError(f'{path} {where(row)}: {name} {value} is not {rule}.')
    first = int(rows[:, 0].min(initial=first_frame))
    if first < first_frame:
        raise UserError(
            f'{path} {where(int(rows[:, 0].argmin()))}: frame {first} is '
            f'below {first_frame}. Set --cfg-options detector.first_frame='
            f'{first}, or add {first_frame - first} to all frames.'
        )
    if len(rows) and (rows[:, 4:6] <= 1).all():
        raise UserError(f'{path}: boxes must be in pixels, not in fractions.')


def kept_rows(
    path: Path,
    rows: np.ndarray,
    report: SkipReport | None,
    rules: Sequence[tuple[str, np.ndarray]] = (),
    *,
    tracked: bool = False,
) -> np.ndarray:
    """Return ``(n,)`` bool, the rows that no rule leaves out.

    The report counts each other row with its first reason. Rules are reasons
    and ``(n,)`` masks; with ``tracked``, boxes without an id are left out.
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
