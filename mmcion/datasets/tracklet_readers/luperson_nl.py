"""LUPerson-NL: tracked people of street videos, as folders or LMDB."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmcion.structures import TrackletTable
from mmcion.structures.tracklet_builder import (
    TrackletBuilder,
    TrackletReading,
    make_reading,
)
from mmcion.utils.progress import progress_bar
from mmcion.utils.skip_report import SkipReport

from .image_tree import WRONG_NAME, check_exists, nothing_found
from .lmdb_keys import find_lmdb, read_keys
from .name_rules import LUPERSON_NL_IMAGE, LUPERSON_NL_KEY, parse_names
from .video_tree import DEPTH, add_video_folders

EXPECTED = 'COUNTRY/CITY/VIDEOID/000012_0000340_02.jpg'
EXPECTED_KEY = '00001_000012_0000340_02'
PUBLISHED_IMAGES = 10_683_716  # SOLIDER repository, issue 5


def read_luperson_nl(
    root: str | Path, *, check_sizes: bool = False
) -> TrackletReading:
    """Read LUPerson-NL; a tracklet is one person number in one video.

    Args:
        root: the folder of the countries, or an LMDB, or the folder of
            ``lmdb`` and ``keys.pkl``.
        check_sizes: leave out images of zero bytes.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if no image is named as it should be.
    """
    root = check_exists(root)
    report = SkipReport(root)
    lmdb = find_lmdb(root)
    builder = TrackletBuilder()
    if lmdb is None:
        names = _add_folders(root, builder, report, check_sizes)
    else:
        _add_keys(lmdb, builder, report, check_sizes)
        names = None
    if not len(builder):
        expected = EXPECTED if lmdb is None else f'keys like {EXPECTED_KEY}'
        raise nothing_found(
            *(root, expected, LUPERSON_NL_IMAGE, report),
            depth=DEPTH if lmdb is None else None,
        )
    reading = make_reading(
        builder.sorted_rows(report),
        video_name='{:05d}'.format if names is None else names.__getitem__,
        image_root=lmdb or root,
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


def _add_keys(
    lmdb: Path, builder: TrackletBuilder, report: SkipReport, check_sizes: bool
) -> None:
    with progress_bar(desc='reading', unit='img') as bar:
        for keys in read_keys(lmdb, report, check_sizes=check_sizes):
            names = [key.decode('ascii', 'replace') for key in keys]
            fields, good, bad = parse_names(names, LUPERSON_NL_KEY)
            if bad:
                some = [names[i] for i in bad[:5]]
                report.skip(WRONG_NAME, *some, count=len(bad))
            video, pid, frame, number = fields.T
            builder.add(
                video=video,
                tracklet=pid,
                frame=frame,
                item=number,
                path=[keys[i] for i in good],
            )
            bar.update(len(keys))


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
