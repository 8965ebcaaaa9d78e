"""LUPerson-NL: tracked people of street videos, in three layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmcion.structures import TrackletTable
from mmcion.structures.tracklet_builder import (
    TrackletBuilder,
    TrackletReading,
    make_reading,
)
from mmcion.utils.skip_report import SkipReport

from .image_tree import check_exists, nothing_found
from .keyed_images import KeyedImages
from .name_rules import LUPERSON_NL_IMAGE, LUPERSON_NL_KEY
from .video_tree import DEPTH, add_video_folders

EXPECTED = 'COUNTRY/CITY/VIDEOID/000012_0000340_02.jpg'
EXPECTED_FLAT = 'images/00001_000012_0000340_02.jpg'
PUBLISHED_IMAGES = 10_683_716  # as the authors of SOLIDER count


def read_luperson_nl(
    root: str | Path, *, check_sizes: bool = False
) -> TrackletReading:
    """Read LUPerson-NL; a tracklet is one person number in one video.

    Args:
        root: the folder of the countries; or a folder of images named like
            the keys of the LMDB, or the folder above it; or an LMDB, or the
            folder of ``lmdb`` and ``keys.pkl``.
        check_sizes: leave out images of zero bytes.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if no image is named as it should be.
    """
    root = check_exists(root)
    report = SkipReport(root)
    keyed = KeyedImages(root, LUPERSON_NL_KEY)
    builder = TrackletBuilder()
    names = None
    if keyed.found:

        def add(fields: np.ndarray, path: list[bytes]) -> None:
            video, pid, frame, number = fields.T
            builder.add(
                video=video, tracklet=pid, frame=frame, item=number, path=path
            )

        keyed.read(add, report, check_sizes=check_sizes)
        expected = f'{EXPECTED_FLAT}, or such keys in an LMDB'
    else:
        names = _add_folders(root, builder, report, check_sizes)
        expected = f'{EXPECTED} or {EXPECTED_FLAT}'
    if not len(builder):
        raise nothing_found(
            *(root, expected, LUPERSON_NL_IMAGE, report),
            depth=None if keyed.found else DEPTH,
        )
    reading = make_reading(
        builder.sorted_rows(report),
        video_name='{:05d}'.format if names is None else names.__getitem__,
        image_root=keyed.lmdb or root,
        report=report,
    )
    report.compare('images', len(reading.table), PUBLISHED_IMAGES)
    _note_persons(reading.table, report)
    return reading


def _add_folders(
    root: Path, builder: TrackletBuilder, report: SkipReport, check_sizes: bool
) -> list[str]:
    def add(video: int, fields: np.ndarray, path: list[bytes]) -> None:
        pid, frame, number = fields.T
        builder.add(
            video=video, tracklet=pid, frame=frame, item=number, path=path
        )

    return add_video_folders(
        root, LUPERSON_NL_IMAGE, add, report, check_sizes=check_sizes
    )


def _note_persons(table: TrackletTable, report: SkipReport) -> None:
    pids = table.tracklet_id[table.tracklet_ptr[:-1]]
    shared = len(pids) - len(np.unique(pids))
    if shared:
        report.note(
            f'{shared:,} person numbers come again in another video: each '
            f'video has its own tracklet of them'
        )
    twice = np.diff(table.frame) == 0
    twice &= np.diff(table.tracklet_index) == 0
    if twice.any():
        report.note(
            f'{twice.sum():,} images show a person number a second time in '
            f'one frame'
        )
