"""LUPerson-NL: tracked persons in street videos."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from mmcion.structures.tracklet_builder import TrackletReading

from .base_tracklet_reader import BaseTrackletReader, Layout
from .luperson import note_other_folders

PUBLISHED_IMAGES = 10_683_716  # as the authors of SOLIDER count


class LUPersonNLReader(BaseTrackletReader):
    """Read LUPerson-NL; a tracklet is one identity in one video.

    Source: LUPerson-NL repository, ``LUP-NL/extract.py`` and
    ``LUP-NL/convert_lmdb.py``: identity (global over all videos), frame from
    0, number of the box in it.
    """

    tree = Layout(
        re.compile(r'(\d{6})_(\d{7})_(\d{2,})', re.ASCII),
        'COUNTRY/CITY/VIDEOID/000012_0000340_02.jpg',
    )
    flat = Layout(
        re.compile(r'(\d{5})_(\d{6})_(\d{7})_(\d{2,})', re.ASCII),
        'images/00001_000012_0000340_02.jpg',
    )
    # as in the authors' conversion to LMDB
    folder_is_video = True

    def columns(
        self, fields: np.ndarray, video: int | np.ndarray
    ) -> dict[str, Any]:
        """Return the identity as tracklet, frame and box number."""
        pid, frame, box = fields.T
        return {'video': video, 'tracklet': pid, 'frame': frame, 'item': box}

    def add_notes(self, reading: TrackletReading, is_flat: bool) -> None:
        """Note the published count and how often identities come again."""
        table, report = reading.table, reading.report
        if not is_flat:
            note_other_folders(table, report)
        report.compare('images', len(table), PUBLISHED_IMAGES)
        pids = table.tracklet_id[table.tracklet_ptr[:-1]]  # (T,)
        shared = len(pids) - len(np.unique(pids))
        if shared:
            report.note(
                f'{shared:,} person numbers come again in another video: '
                f'each video has its own tracklet of them'
            )
        # neighbouring rows of one tracklet and frame
        twice = np.diff(table.frame) == 0
        twice &= np.diff(table.tracklet_index) == 0
        if twice.any():
            report.note(
                f'{twice.sum():,} images show a person number a second time '
                f'in one frame'
            )
