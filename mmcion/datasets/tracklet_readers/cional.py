"""Read CION-AL, the annotation file of CION's authors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmcion.datasets.listed_images import existing_images
from mmcion.structures import AnnotationTable
from mmcion.utils.checks import UserError
from mmcion.utils.skip_report import SkipReport

LISTED_TWICE = 'repeated path'
OTHER_IDENTITY = 'repeated path with another id'
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
        image_root: Folder that paths are relative to; without it no image is
            checked.
        check_files: Whether to check all images, not a sample, and to skip
            the missing ones.

    Raises:
        UserError: If nothing is listed, or an image of the sample is missing.
    """
    if check_files and image_root is None:
        raise UserError('to check files, give the folder of the images.')
    report = SkipReport(file)
    table = AnnotationTable.load(file)
    if not len(table):
        raise UserError(f'{file} lists no images of an identity.')
    if table.num_junk:
        report.note(f'{table.num_junk:,} images of negative ids are left out')
    # the first row that has the path of each row
    _, first, inverse = np.unique(
        table.path, return_index=True, return_inverse=True
    )
    first = first[inverse.reshape(-1)]
    repeated = first != np.arange(len(table))
    other_pid = table.pid != table.pid[first]
    report.skip_rows(LISTED_TWICE, table.path, repeated & ~other_pid)
    report.skip_rows(OTHER_IDENTITY, table.path, repeated & other_pid)
    keep = ~repeated
    root = table.image_root
    if image_root is None:
        report.note('no image folder was given: no image was checked')
    else:
        root = Path(image_root)
        keep &= existing_images(root, table.path, report, every=check_files)
    if not keep.all():
        _, pid = np.unique(table.pid[keep], return_inverse=True)
        table = AnnotationTable(table.path[keep], pid, table.cam_id[keep])
    table.image_root = root
    report.compare('images', len(table), PUBLISHED_IMAGES)
    num_pids = len(np.unique(table.pid))
    report.compare('identities', num_pids, PUBLISHED_IDENTITIES)
    return table, report
