"""MARS: tracklets of six cameras with true identities."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmcion.structures.tracklet_builder import (
    TrackletBuilder,
    TrackletReading,
    make_reading,
)
from mmcion.utils.progress import progress_bar
from mmcion.utils.skip_report import SkipReport

from .image_tree import WRONG_NAME, check_exists, nothing_found, walk_images
from .name_rules import MARS_IMAGE, parse_names

EXPECTED = '0001/0001C1T0001F001.jpg'
JUNK = 'junk (person 00-1)'
OTHER_PERSON = 'image in the folder of another person'
PUBLISHED = {'tracklets': 8_298, 'identities': 625}  # of bbox_train
_TRACKLETS = 10_000  # numbers that a tracklet of a person can have
_JUNK_PERSON = 10_000  # beyond all persons


def read_mars(
    root: str | Path, *, keep_junk: bool = False, check_sizes: bool = False
) -> TrackletReading:
    """Read one part of MARS; a camera is a video.

    Names say the place of a frame in its tracklet, not in the recording, so
    it is not known who was seen together: every tracklet gets frame numbers
    of its own. The true identity of junk and of distractors (person 0000) is
    -1.

    Args:
        root: ``bbox_train`` or ``bbox_test``, or the folder above, whose
            ``bbox_train`` is meant.
        keep_junk: keep the images of folder ``00-1``.
        check_sizes: leave out images of zero bytes.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if no image is named as it should be.
    """
    root = check_exists(root)
    if (root / 'bbox_train').is_dir():
        root = root / 'bbox_train'
    report = SkipReport(root)
    builder = TrackletBuilder()
    with progress_bar(desc='reading', unit='img') as bar:
        walk = walk_images(root, 1, report, check_sizes=check_sizes)
        for (folder,), names in walk:
            _add_person(folder, names, builder, report, keep_junk)
            bar.update(len(names))
    if not len(builder):
        raise nothing_found(root, EXPECTED, MARS_IMAGE, report, depth=1)
    rows = builder.sorted_rows(report)
    rows['frame'] = _own_frames(rows)
    report.note(
        'frames count within a tracklet, so nobody was seen together and '
        '"auto" thresholds cannot be chosen: set sigma and delta'
    )
    reading = make_reading(
        rows, video_name='cam{}'.format, image_root=root, report=report
    )
    if root.name == 'bbox_train':
        people = len(np.unique(rows['truth'][rows['truth'] >= 0]))
        tracklets = reading.table.num_tracklets
        report.compare('tracklets', tracklets, PUBLISHED['tracklets'])
        report.compare('identities', people, PUBLISHED['identities'])
    return reading


def _add_person(
    folder: str,
    names: list[str],
    builder: TrackletBuilder,
    report: SkipReport,
    keep_junk: bool,
) -> None:
    stems = [name.rpartition('.')[0] for name in names]
    fields, good, bad = parse_names(stems, MARS_IMAGE)
    if bad:
        some = [f'{folder}/{names[i]}' for i in bad[:5]]
        report.skip(WRONG_NAME, *some, count=len(bad))
    kept = []
    for row, index in enumerate(good):
        if not names[index].startswith(f'{folder}C'):
            report.skip(OTHER_PERSON, f'{folder}/{names[index]}')
        elif fields[row, 0] < 0 and not keep_junk:
            report.skip(JUNK, f'{folder}/{names[index]}')
        else:
            kept.append(row)
    pid, camera, tracklet, frame = fields[kept].T
    person = np.where(pid < 0, _JUNK_PERSON, pid)
    builder.add(
        video=camera,
        tracklet=person * _TRACKLETS + tracklet,
        frame=frame,
        path=[f'{folder}/{names[good[row]]}'.encode() for row in kept],
        truth=np.where(pid > 0, pid, -1),
    )


def _own_frames(rows: dict[str, np.ndarray]) -> np.ndarray:
    """Number frames so that tracklets of a camera share none.

    A tracklet begins where the one before it in its camera ends.
    """
    video, tracklet, frame = (
        rows[name] for name in ('video', 'tracklet', 'frame')
    )
    new = np.ones(len(frame), bool)
    new[1:] = (np.diff(tracklet) != 0) | (np.diff(video) != 0)
    starts = np.flatnonzero(new)
    lengths = np.maximum.reduceat(frame, starts) + 1
    offset = np.cumsum(lengths) - lengths
    first = np.searchsorted(video[starts], video[starts])
    offset -= offset[first]
    return frame - 1 + np.repeat(offset, np.diff(starts, append=len(frame)))
