"""MARS: tracklets of six cameras with true identities."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from mmcion.structures.tracklet_builder import TrackletReading

from .base_tracklet_reader import BaseTrackletReader, Layout

JUNK = 'junk (person 00-1)'
OTHER_PERSON = 'image in the folder of another person'
PUBLISHED_TRACKLETS, PUBLISHED_IDENTITIES = 8_298, 625  # of bbox_train
_TRACKLETS = 10_000  # numbers that a tracklet of a person can have
_JUNK_PERSON = 10_000  # beyond all persons


def person_folder(pid: int) -> str:
    """Return the name of a person's folder, which begins all its images."""
    return '00-1' if pid < 0 else f'{pid:04d}'


class MARSReader(BaseTrackletReader):
    """Read one part of MARS; a camera is a video.

    Names hold the place of a frame in its tracklet, not in the recording, so
    it is unknown which persons co-occur: every tracklet gets frame numbers of
    its own. The true identity of junk and of distractors (person 0000) is -1.

    Args:
        keep_junk: Whether to keep the images of folder ``00-1``.
        check_sizes: See ``BaseTrackletReader``.
    """

    # person (00-1 is junk), camera, tracklet, frame of the tracklet from 1
    tree = Layout(
        re.compile(r'(?:00(?=-1))?(-1|\d{4})C(\d)T(\d{4})F(\d{3,})', re.ASCII),
        '0001/0001C1T0001F001.jpg',
    )

    def __init__(
        self, *, keep_junk: bool = False, check_sizes: bool = False
    ) -> None:
        super().__init__(check_sizes=check_sizes)
        self.keep_junk = keep_junk

    def read(self, root: str | Path) -> TrackletReading:
        """Read the folder of a part, or ``bbox_train`` below ``root``."""
        train = Path(root) / 'bbox_train'
        return super().read(train if train.is_dir() else root)

    def columns(
        self, fields: np.ndarray, video: int | np.ndarray
    ) -> dict[str, Any]:
        """Return camera, person and tracklet as one number, frame, truth."""
        pid, camera, tracklet, frame = fields.T
        # numbers of tracklets count within a person and camera
        person = np.where(pid < 0, _JUNK_PERSON, pid)
        return {
            'video': camera,
            'tracklet': person * _TRACKLETS + tracklet,
            'frame': frame,
            'truth': np.where(pid > 0, pid, -1),
        }

    def video_name(self, number: int, folders: list[str] | None) -> str:
        """Return the camera."""
        return f'cam{number}'

    def skipped(
        self, fields: np.ndarray, folder: str
    ) -> dict[str, np.ndarray]:
        """Skip images in a wrong folder, and junk."""
        pids = fields[:, 0]
        own = np.array([person_folder(pid) == folder for pid in pids], bool)
        junk = (pids < 0) & (not self.keep_junk)
        return {OTHER_PERSON: ~own, JUNK: junk}

    def adjust(self, rows: dict[str, np.ndarray], is_flat: bool) -> None:
        """Number frames so that tracklets of a camera share none."""
        video, tracklet = rows['video'], rows['tracklet']
        frame = rows['frame']
        new = np.ones(len(frame), bool)
        new[1:] = (np.diff(tracklet) != 0) | (np.diff(video) != 0)
        starts = np.flatnonzero(new)  # (T,) first row of each tracklet
        lengths = np.maximum.reduceat(frame, starts) + 1
        offset = np.cumsum(lengths) - lengths
        # a tracklet begins where the one before it in its camera ends
        offset -= offset[np.searchsorted(video[starts], video[starts])]
        sizes = np.diff(starts, append=len(frame))
        rows['frame'] = frame - 1 + np.repeat(offset, sizes)

    def add_notes(self, reading: TrackletReading, is_flat: bool) -> None:
        """Note the published counts of the training part."""
        table, report = reading.table, reading.report
        report.note(
            'frames count within a tracklet, so no identities co-occur and '
            '"auto" thresholds cannot be chosen: set sigma and delta'
        )
        assert reading.truth is not None and table.image_root is not None
        if table.image_root.name == 'bbox_train':
            pids = np.unique(reading.truth[reading.truth >= 0])
            found = table.num_tracklets
            report.compare('tracklets', found, PUBLISHED_TRACKLETS)
            report.compare('identities', len(pids), PUBLISHED_IDENTITIES)
