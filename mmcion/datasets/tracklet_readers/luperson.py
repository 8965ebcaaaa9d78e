"""LUPerson: persons in street videos, without tracks."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from mmcion.structures import TrackletTable
from mmcion.structures.tracklet_builder import TrackletReading, index_in_run
from mmcion.utils.skip_report import SkipReport

from .base_tracklet_reader import BaseTrackletReader, Layout

PUBLISHED_IMAGES = 4_180_243  # TransReID-SSL's list of 60 % has 2,508,146
_FLAT_UNITS = np.array([1_000_000, 10_000, 1])  # country, city, video
_YOUTUBE_ID = re.compile(r'[\w-]{11}', re.ASCII)


class LUPersonReader(BaseTrackletReader):
    """Read LUPerson; every image is a tracklet of its own.

    Frames of ``tree`` are those of the video, from 0. ``flat`` knows only the
    order of images: the frame is the ordinal, and no two images co-occur.

    Source: LUPerson repository, ``LUP/extract.py`` (frame from 1, number of
    the box in it) and ``LUP/convert_lmdb.py`` (country, city, video, ordinal
    of the image in it).
    """

    tree = Layout(
        re.compile(r'(\d{8})_(\d{4,})', re.ASCII),
        'COUNTRY/CITY/VIDEO/00000341_0002.jpg',
    )
    flat = Layout(
        re.compile(r'(\d{2})_(\d{2})_(\d{4})_(\d{8})', re.ASCII),
        'images/34_01_0341_00001865.jpg',
    )
    folder_is_video = True
    wrong_levels = {  # noqa: RUF012
        2: 'if these are CITY/VIDEO, give the folder above. If they are '
        "COUNTRY/CITY, as the authors' extract.py writes them, the folders of "
        'the videos are missing: images of different videos have the same '
        'names and have overwritten each other. Extract again with a folder '
        'per video'
    }

    def columns(
        self, fields: np.ndarray, video: int | np.ndarray
    ) -> dict[str, Any]:
        """Return frame and box number, with one tracklet per video."""
        frame, box = fields.T
        return {'video': video, 'tracklet': 0, 'frame': frame, 'item': box}

    def flat_columns(self, fields: np.ndarray) -> dict[str, Any]:
        """Return country, city and video as one number, and the ordinal."""
        video = fields[:, :3] @ _FLAT_UNITS
        return {'video': video, 'tracklet': 0, 'frame': fields[:, 3]}

    def video_name(self, number: int, folders: list[str] | None) -> str:
        """Return the folders, or country, city and video."""
        if folders is not None:
            return folders[number]
        digits = f'{number:08d}'
        return f'{digits[:2]}_{digits[2:4]}_{digits[4:]}'

    def adjust(self, rows: dict[str, np.ndarray], is_flat: bool) -> None:
        """Number the tracklets of each video, and frames from 0."""
        rows['tracklet'] = index_in_run(rows['video'])
        if not is_flat and rows['frame'].min() > 0:
            rows['frame'] -= 1

    def add_notes(self, reading: TrackletReading, is_flat: bool) -> None:
        """Note the published count, and how to denoise without tracks."""
        report = reading.report
        report.note(
            'LUPerson has no tracks: every image is a tracklet of its own. '
            'Denoise with min_images=1 and a sigma of your own, or track the '
            'videos with tools/extract_tracklets.py --boxes'
        )
        if is_flat:
            report.note(
                'the frames are unknown, so no identities co-occur and '
                '"auto" thresholds cannot be chosen: set sigma and delta'
            )
        else:
            note_other_folders(reading.table, report)
        report.compare('images', len(reading.table), PUBLISHED_IMAGES)


def note_other_folders(table: TrackletTable, report: SkipReport) -> None:
    """Note if no video folder has the name of a YouTube video."""
    names = [video.rpartition('/')[2] for video in table.videos]
    if not any(map(_YOUTUBE_ID.fullmatch, names)):
        report.note(
            f'no video folder is named like a YouTube video; '
            f'{table.videos[0]} is taken as COUNTRY/CITY/VIDEO'
        )
