"""Trees of images as COUNTRY/CITY/VIDEO, as both LUPersons have them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmcion.utils.progress import progress_bar
from mmcion.utils.skip_report import SkipReport

from .image_tree import WRONG_NAME, walk_images
from .name_rules import parse_names

DEPTH = 3
COPY = 'video that is already there from another city'
_YOUTUBE_ID = re.compile(r'[\w-]{11}', re.ASCII)


def add_video_folders(
    root: Path,
    pattern: re.Pattern[str],
    add: Callable[[int, np.ndarray, list[bytes]], None],
    report: SkipReport,
    *,
    check_sizes: bool,
) -> list[str]:
    """Read the images of all videos below ``root``.

    A video that lies in two cities is the same video, so the second one is
    left out, as in the authors' conversion to LMDB.

    Args:
        root: folder of the countries.
        pattern: of image names without ending.
        add: takes the number of a video, ``(n, G)`` numbers of the names and
            ``n`` paths.
        report: what is left out is counted there.
        check_sizes: leave out images of zero bytes.

    Returns:
        ``COUNTRY/CITY/VIDEO`` by number; sorted.
    """
    videos: list[str] = []
    place: dict[str, str] = {}
    walk = walk_images(root, DEPTH, report, check_sizes=check_sizes)
    with progress_bar(desc='reading', unit='img') as bar:
        for parts, names in walk:
            folder = '/'.join(parts)
            bar.update(len(names))
            if place.setdefault(parts[-1], folder) != folder:
                report.skip(COPY, f'{folder}/{names[0]}', count=len(names))
                continue
            stems = [name.rpartition('.')[0] for name in names]
            fields, good, bad = parse_names(stems, pattern)
            if bad:
                some = [f'{folder}/{names[i]}' for i in bad[:5]]
                report.skip(WRONG_NAME, *some, count=len(bad))
            if not good:
                continue
            if not videos or videos[-1] != folder:
                videos.append(folder)
            path = [f'{folder}/{names[i]}'.encode() for i in good]
            add(len(videos) - 1, fields, path)
    if videos and not any(_YOUTUBE_ID.fullmatch(name) for name in place):
        report.note(
            f'no video folder is named like a YouTube video; {videos[0]} is '
            f'taken as COUNTRY/CITY/VIDEO'
        )
    return videos
