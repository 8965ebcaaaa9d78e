"""LUPerson: people of street videos without tracks, in three layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmcion.structures.tracklet_builder import (
    TrackletBuilder,
    TrackletReading,
    make_reading,
    running_number,
)
from mmcion.utils.skip_report import SkipReport

from .image_tree import check_exists, find_like, nothing_found
from .keyed_images import KeyedImages
from .name_rules import LUPERSON_IMAGE, LUPERSON_KEY
from .video_tree import DEPTH, add_video_folders

EXPECTED = 'COUNTRY/CITY/VIDEO/00000341_0002.jpg'
EXPECTED_FLAT = 'images/34_01_0341_00001865.jpg'
PUBLISHED_IMAGES = 4_180_243  # TransReID-SSL's list of 60 % has 2,508,146
_KEY_UNITS = np.array([1_000_000, 10_000, 1])  # country, city, video


def read_luperson(
    root: str | Path, *, check_sizes: bool = False
) -> TrackletReading:
    """Read LUPerson; every image is a tracklet of its own.

    Frames of the layout by video are those of the video, from 0. The flat
    layout and the LMDB know only the order of images: the frame of a row is
    its ordinal there, and no two images were seen together.

    Args:
        root: the folder of the countries; or a folder of images, or the
            folder above it; or an LMDB, or the folder of ``lmdb`` and
            ``keys.pkl``.
        check_sizes: leave out images of zero bytes.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if no image is named as it should be.
    """
    root = check_exists(root)
    report = SkipReport(root)
    keyed = KeyedImages(root, LUPERSON_KEY)
    builder = TrackletBuilder()
    name: Callable[[int], str] = _key_video
    if keyed.found:

        def add(fields: np.ndarray, path: list[bytes]) -> None:
            video = fields[:, :3] @ _KEY_UNITS
            builder.add(video=video, tracklet=0, frame=fields[:, 3], path=path)

        keyed.read(add, report, check_sizes=check_sizes)
        expected = f'{EXPECTED_FLAT}, or such keys in an LMDB'
    else:
        names = _add_folders(root, builder, report, check_sizes)
        name = names.__getitem__
        expected = f'{EXPECTED} or {EXPECTED_FLAT}'
        _refuse_cities(root, builder)
    if not len(builder):
        raise nothing_found(
            *(root, expected, LUPERSON_IMAGE, report),
            depth=None if keyed.found else DEPTH,
        )
    rows = builder.sorted_rows(report)
    rows['tracklet'] = running_number(rows['video'])
    by_video = not keyed.found
    if by_video and rows['frame'].min() > 0:
        rows['frame'] -= 1
    _note_limits(report, by_video)
    report.compare('images', len(rows['path']), PUBLISHED_IMAGES)
    return make_reading(
        rows, video_name=name, image_root=keyed.lmdb or root, report=report
    )


def _add_folders(
    root: Path, builder: TrackletBuilder, report: SkipReport, check_sizes: bool
) -> list[str]:
    def add(video: int, fields: np.ndarray, path: list[bytes]) -> None:
        frame, number = fields.T
        builder.add(
            video=video, tracklet=0, frame=frame, item=number, path=path
        )

    return add_video_folders(
        root, LUPERSON_IMAGE, add, report, check_sizes=check_sizes
    )


def _refuse_cities(root: Path, builder: TrackletBuilder) -> None:
    if len(builder):
        return
    found = find_like(root, LUPERSON_IMAGE)
    if found is not None and found.count('/') == 2:
        raise ValueError(
            f'{root / found} lies two folders deep. If these are COUNTRY/'
            f"CITY, the folders of the videos are missing, as the authors' "
            f'extract.py writes them: images of different videos of a city '
            f'have the same names there, so some were never written and none '
            f'says which video it is from. Extract again with a folder per '
            f'video. If these are CITY/VIDEO, give the folder above: '
            f'{root.resolve().parent}. Expected: {EXPECTED}'
        )


def _key_video(number: int) -> str:
    country, rest = divmod(number, _KEY_UNITS[0])
    city, video = divmod(rest, _KEY_UNITS[1])
    return f'{country:02d}_{city:02d}_{video:04d}'


def _note_limits(report: SkipReport, by_video: bool) -> None:
    report.note(
        'LUPerson has no tracks: every image is a tracklet of its own. '
        'Denoise with min_images=1 and a sigma of your own, or track the '
        'videos with tools/extract_tracklets.py --boxes'
    )
    if not by_video:
        report.note(
            'the frames are not known, so nobody was seen together and '
            '"auto" thresholds cannot be chosen: set sigma and delta'
        )
