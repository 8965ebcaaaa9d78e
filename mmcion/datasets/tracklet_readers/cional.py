"""CION-AL: the annotation file that CION's authors published."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmcion.structures import AnnotationTable
from mmcion.utils.skip_report import SkipReport

from .image_check import existing_images

LISTED_TWICE = 'the same path again'
OTHER_IDENTITY = 'the same path again with another id'
# CION repository, README
PUBLISHED_IMAGES = 3_898_086
PUBLISHED_IDENTITIES = 246_904


def read_cional(
    file: str | Path,
    image_root: str | Path | None = None,
    *,
    check_files: bool = False,
) -> tuple[AnnotationTable, SkipReport]:
    """Read an annotation of CION and check it.

    Rows stay in the order of the file; identities are renumbered to 0..P-1.

    Args:
        file: JSON list of ``{"file_path", "id"}``.
        image_root: folder that paths are relative to; without it no file is
            looked for.
        check_files: look for every image and leave out those that are not
            there; else a sample is looked at.

    Raises:
        FileNotFoundError: if the file or the folder do not exist.
        ValueError: if it is of another form or lists nothing, or an image of
            the sample is missing.
    """
    if check_files and image_root is None:
        raise ValueError('to check files, give the folder of the images.')
    report = SkipReport(file)
    table = AnnotationTable.load(file)
    if not len(table):
        raise ValueError(f'{file} lists no images.')
    kept = _first_mentions(table, report)
    if image_root is None:
        report.note('no image folder was given: no file was looked for')
    else:
        root = Path(image_root)
        kept &= existing_images(root, table.path, report, every=check_files)
    if not kept.all():
        _, pid = np.unique(table.pid[kept], return_inverse=True)
        table = AnnotationTable(table.path[kept], pid, table.cam_id[kept])
    people = len(np.unique(table.pid))
    report.compare('images', len(table), PUBLISHED_IMAGES)
    report.compare('identities', people, PUBLISHED_IDENTITIES)
    return table, report


def _first_mentions(table: AnnotationTable, report: SkipReport) -> np.ndarray:
    """Return ``(N,)`` bool: rows whose path no earlier row has."""
    _, first, inverse = np.unique(
        table.path, return_index=True, return_inverse=True
    )
    earlier = first[inverse.reshape(-1)]
    again = earlier != np.arange(len(table))
    other = again & (table.pid != table.pid[earlier])
    for reason, mask in (
        (LISTED_TWICE, again & ~other),
        (OTHER_IDENTITY, other),
    ):
        rows = np.flatnonzero(mask)
        if len(rows):
            some = [table.path[row].decode() for row in rows[:5]]
            report.skip(reason, *some, count=len(rows))
    return ~again
