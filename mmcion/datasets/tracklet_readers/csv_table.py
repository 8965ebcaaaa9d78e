"""A list of images of one's own, as CSV."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from mmcion.structures.tracklet_builder import (
    TrackletBuilder,
    TrackletReading,
    make_reading,
)
from mmcion.utils.progress import progress_bar
from mmcion.utils.skip_report import SkipReport

from .image_check import existing_images

_REQUIRED = ('path', 'video', 'tracklet', 'frame')
_BOX = ('x', 'y', 'w', 'h')
_CHUNK = 100_000
# no leading zeros: 7 and 07 are two names
_WHOLE = re.compile(r'0|[1-9]\d{0,17}', re.ASCII)


def read_csv(
    file: str | Path,
    image_root: str | Path | None = None,
    *,
    ignore: Collection[str] = (),
    check_files: bool = False,
) -> TrackletReading:
    """Read a CSV with the columns ``path,video,tracklet,frame[,x,y,w,h]``.

    - The first line names the columns, in any order.
    - Videos and tracklets may have any names. Tracklets are numbered in the
      order of their names, unless all of these are whole numbers, which then
      stay as they are.
    - A tracklet is known by its video and its name.

    Args:
        file: the CSV.
        image_root: folder that paths are relative to; without it that of
            the file.
        ignore: columns to leave out.
        check_files: look for every image and leave out those that are not
            there; else a sample is looked at.

    Raises:
        FileNotFoundError: if file or folder do not exist.
        ValueError: if a column is missing or unknown, or a value is wrong;
            names the line.
    """
    file = Path(file)
    if not file.is_file():
        raise FileNotFoundError(f'there is no file {file}')
    root = file.parent if image_root is None else Path(image_root)
    report = SkipReport(file)
    builder = TrackletBuilder()
    videos: dict[str, int] = {}
    tracklets: dict[str, int] = {}
    with open(file, newline='', encoding='utf-8-sig') as stream:
        reader = csv.reader(stream, skipinitialspace=True)
        header = next(reader, [])
        columns = _columns(file, header, ignore)
        with progress_bar(desc='reading', unit='img') as bar:
            for lines in _chunks(file, reader, len(header)):
                _add(file, lines, columns, builder, videos, tracklets)
                bar.update(len(lines))
    if not len(builder):
        raise ValueError(f'{file} lists no images.')
    builder.renumber('video', _ranks(videos))
    builder.renumber('tracklet', _tracklet_numbers(tracklets))
    rows = builder.sorted_rows(report)
    there = existing_images(root, rows['path'], report, every=check_files)
    if not there.all():
        rows = {name: column[there] for name, column in rows.items()}
    return make_reading(
        rows,
        video_name=sorted(videos).__getitem__,
        image_root=root,
        report=report,
    )


def _columns(
    file: Path, header: list[str], ignore: Collection[str]
) -> dict[str, int]:
    """Return the place of every column that is read."""
    has_box = bool(set(_BOX) & set(header))
    wanted = (*_REQUIRED, *(_BOX if has_box else ()))
    missing = [name for name in wanted if name not in header]
    unknown = [n for n in header if n not in wanted and n not in ignore]
    if missing or unknown or len(set(header)) < len(header):
        raise ValueError(
            f'{file} must have the columns path,video,tracklet,frame and, '
            f'if wanted, x,y,w,h, named in its first line, each once. That '
            f'has {",".join(header) or "nothing"}; missing: '
            f'{missing or "none"}, unknown: {unknown or "none"} (--ignore '
            f'leaves out columns by name).'
        )
    return {name: header.index(name) for name in wanted}


_Line = tuple[int, list[str]]


def _chunks(
    file: Path, reader: Iterator[list[str]], num_columns: int
) -> Iterator[list[_Line]]:
    """Yield numbered lines, many at a time; empty ones are left out."""
    part: list[_Line] = []
    for number, values in enumerate(reader, 2):
        if not values:
            continue
        if len(values) != num_columns:
            raise ValueError(
                f'{file} line {number} has {len(values)} values, the first '
                f'line {num_columns}.'
            )
        part.append((number, values))
        if len(part) == _CHUNK:
            yield part
            part = []
    if part:
        yield part


def _add(
    file: Path,
    lines: list[_Line],
    columns: dict[str, int],
    builder: TrackletBuilder,
    videos: dict[str, int],
    tracklets: dict[str, int],
) -> None:
    where = {name: columns[name] for name in _REQUIRED}
    box_columns = [columns[name] for name in _BOX if name in columns]
    video, tracklet, frame, path = [], [], [], []
    box: list[list[float]] = []
    for number, values in lines:
        try:
            names = [values[where[name]] for name in _REQUIRED[:3]]
            if not all(names):
                raise ValueError('path, video or tracklet is empty')
            moment = int(values[where['frame']])
            if moment < 0:
                raise ValueError(f'frame {moment} is below 0')
            corner = [float(values[index]) for index in box_columns]
            if not all(map(math.isfinite, corner)):
                raise ValueError(f'box {corner} is not finite')
        except ValueError as error:
            raise ValueError(f'{file} line {number}: {error}') from error
        path.append(names[0].encode())
        video.append(videos.setdefault(names[1], len(videos)))
        tracklet.append(tracklets.setdefault(names[2], len(tracklets)))
        frame.append(moment)
        box.append(corner)
    more = {'box': np.array(box, np.float32)} if box_columns else {}
    builder.add(
        video=np.array(video),
        tracklet=np.array(tracklet),
        frame=np.array(frame),
        path=path,
        **more,
    )


def _ranks(names: dict[str, int]) -> np.ndarray:
    """Return the place of each name in sorted order, by its number."""
    ranks = np.empty(len(names), np.int64)
    ranks[[names[name] for name in sorted(names)]] = np.arange(len(names))
    return ranks


def _tracklet_numbers(names: dict[str, int]) -> np.ndarray:
    if all(_WHOLE.fullmatch(name) for name in names):
        return np.array([int(name) for name in names], np.int64)
    return _ranks(names)
