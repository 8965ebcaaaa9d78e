"""Read a list of images from a CSV file."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from mmcion.datasets.listed_images import existing_images
from mmcion.datasets.number_names import number_names
from mmcion.structures.tracklet_builder import TrackletBuilder, TrackletReading
from mmcion.utils.checks import UserError, check_columns
from mmcion.utils.csv_table import read_csv_rows
from mmcion.utils.progress import progress_bar
from mmcion.utils.skip_report import SkipReport

_REQUIRED = ('path', 'video', 'tracklet', 'frame')
_BOX = ('x', 'y', 'w', 'h')
_CHUNK = 100_000  # lines held as Python objects


def read_csv(
    file: str | Path,
    image_root: str | Path | None = None,
    *,
    ignore: Collection[str] = (),
    check_files: bool = False,
) -> TrackletReading:
    """Read a CSV with the columns ``path,video,tracklet,frame[,x,y,w,h]``.

    - The first line names the columns, in any order.
    - Videos and tracklets may have any names. Tracklets keep their numbers
      if all names are numbers, see ``number_names``.
    - A tracklet is identified by its video and its name.

    Args:
        file: CSV file.
        image_root: Folder that paths are relative to; by default that of the
            file.
        ignore: Columns to ignore.
        check_files: Whether to check all images, not a sample, and to skip
            the missing ones.

    Raises:
        UserError: If a column or a value is wrong; states the line.
    """
    file = Path(file)
    root = file.parent if image_root is None else Path(image_root)
    report = SkipReport(file)
    builder = TrackletBuilder()
    # numbers in order of appearance, until all names are known
    videos: dict[str, int] = defaultdict(lambda: len(videos))
    tracklets: dict[str, int] = defaultdict(lambda: len(tracklets))
    rows = _parse(file, ignore)
    with progress_bar(desc='reading', unit='img') as bar:
        while chunk := list(islice(rows, _CHUNK)):
            columns = zip(*chunk, strict=True)
            paths, in_video, in_tracklet, frames, boxes = columns
            more = {'box': np.array(boxes, np.float32)} if boxes[0] else {}
            builder.add(
                path=paths,
                video=np.array([videos[name] for name in in_video]),
                tracklet=np.array([tracklets[name] for name in in_tracklet]),
                frame=np.array(frames),
                **more,
            )
            bar.update(len(chunk))
    if not len(builder):
        raise UserError(f'{file} lists no images.')
    # numbers by name, sorted, take the place of those by appearance
    video_names = sorted(videos)
    place = {name: number for number, name in enumerate(video_names)}
    builder.renumber('video', np.array([place[name] for name in videos]))
    ids = number_names(tracklets)
    builder.renumber('tracklet', np.array([ids[name] for name in tracklets]))
    found = builder.sorted_rows(report)  # (N,) each
    exists = existing_images(root, found['path'], report, every=check_files)
    return TrackletReading.from_rows(
        {name: column[exists] for name, column in found.items()},
        video_name=video_names.__getitem__,
        image_root=root,
        report=report,
    )


def _parse(
    file: Path, ignore: Collection[str]
) -> Iterator[tuple[bytes, str, str, int, list[float]]]:
    """Yield path, video, tracklet, frame and box."""
    rows = read_csv_rows(
        file,
        _REQUIRED,
        _BOX,
        ignore=ignore,
        what='list of images',
        hint='--ignore COLUMN ignores columns.',
    )
    for number, (path, video, tracklet, frame, *box) in rows:
        if None in box:
            found = [
                n for n, x in zip(_BOX, box, strict=True) if x is not None
            ]
            if found:
                check_columns(file, found, _BOX)
            box = []
        try:
            if not (path and video and tracklet):
                raise ValueError('path, video or tracklet is empty')
            number_of_frame = int(frame)
            corners = [float(value) for value in box]
            if number_of_frame < 0 or not all(map(math.isfinite, corners)):
                raise ValueError(f'frame {frame} or box {box} out of range')
        except ValueError as error:
            raise UserError(f'{file} line {number}: {error}') from error
        yield path.encode(), video, tracklet, number_of_frame, corners
