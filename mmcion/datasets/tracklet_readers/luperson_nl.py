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
from mmcion.utils.progress import progress_bar
from mmcion.utils.skip_report import SkipReport

from .image_tree import (
    WRONG_NAME,
    check_exists,
    find_like,
    nothing_found,
    walk_images,
)
from .lmdb_keys import find_lmdb, read_keys
from .name_rules import LUPERSON_NL_IMAGE, LUPERSON_NL_KEY, parse_names
from .video_tree import DEPTH, add_video_folders

EXPECTED = 'COUNTRY/CITY/VIDEOID/000012_0000340_02.jpg'
EXPECTED_FLAT = 'images/00001_000012_0000340_02.jpg'
EXPECTED_KEY = '00001_000012_0000340_02'
PUBLISHED_IMAGES = 10_683_716  # SOLIDER repository, issue 5


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
    lmdb = find_lmdb(root)
    flat = None if lmdb else find_like(root, LUPERSON_NL_KEY, max_depth=1)
    builder = TrackletBuilder()
    names = None
    if lmdb is not None:
        _add_keys(lmdb, builder, report, check_sizes)
        expected = f'keys like {EXPECTED_KEY}'
    elif flat is not None:
        _add_flat(root, flat.count('/'), builder, report, check_sizes)
        expected = EXPECTED_FLAT
    else:
        names = _add_folders(root, builder, report, check_sizes)
        expected = f'{EXPECTED} or {EXPECTED_FLAT}'
    if not len(builder):
        raise nothing_found(
            *(root, expected, LUPERSON_NL_IMAGE, report),
            depth=None if lmdb or flat else DEPTH,
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


def _add_flat(
    root: Path,
    depth: int,
    builder: TrackletBuilder,
    report: SkipReport,
    check_sizes: bool,
) -> None:
    with progress_bar(desc='reading', unit='img') as bar:
        walk = walk_images(root, depth, report, check_sizes=check_sizes)
        for parts, names in walk:
            stems = [name.rpartition('.')[0] for name in names]
            paths = ['/'.join((*parts, name)).encode() for name in names]
            _add_keyed(stems, paths, builder, report)
            bar.update(len(names))


def _add_keys(
    lmdb: Path, builder: TrackletBuilder, report: SkipReport, check_sizes: bool
) -> None:
    with progress_bar(desc='reading', unit='img') as bar:
        for keys in read_keys(lmdb, report, check_sizes=check_sizes):
            names = [key.decode('ascii', 'replace') for key in keys]
            _add_keyed(names, keys, builder, report)
            bar.update(len(keys))


def _add_keyed(
    names: list[str],
    paths: list[bytes],
    builder: TrackletBuilder,
    report: SkipReport,
) -> None:
    fields, good, bad = parse_names(names, LUPERSON_NL_KEY)
    if bad:
        report.skip(WRONG_NAME, *(names[i] for i in bad[:5]), count=len(bad))
    video, pid, frame, number = fields.T
    builder.add(
        video=video,
        tracklet=pid,
        frame=frame,
        item=number,
        path=[paths[i] for i in good],
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
