"""Contact sheets of a denoising: what was joined and what was removed."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmcion.structures import IdentityLabels, TrackletTable

from .contact_sheet import (
    Group,
    ImageLike,
    Tile,
    contact_sheet,
    fit,
    load_image,
)
from .denoise_charts import noise_of
from .denoise_summary import IdentitySummary, spread, sums_between
from .palette import BLUE, GREY, ORANGE, RED

LoadImage = Callable[[int], ImageLike | bytes]

CELL = (78, 156)
COLUMNS, SIDE = 10, 4  # pictures per line; per side of a line with two


@dataclass
class Sheet:
    """A sheet, None if there is nothing to show, and a line below it."""

    image: np.ndarray | None
    remark: str = ''


class Pictures:
    """Makes tiles of rows of a table; what cannot be read becomes grey.

    Args:
        table: the images.
        load: returns the image of a row: ``(H, W, 3)`` uint8 RGB, a file,
            or the content of one; None reads the table's files.
    """

    def __init__(
        self, table: TrackletTable, load: LoadImage | None = None
    ) -> None:
        self.table = table
        self._load = load or table.image_path
        self._asked = 0
        self._failed: list[int] = []

    def tile(self, row: int, caption: str, border: str | None = None) -> Tile:
        """Return the picture of a row, no larger than its place."""
        self._asked += 1
        try:
            found = self._load(row)
            image = load_image(
                io.BytesIO(found) if isinstance(found, bytes) else found
            )
            picture = np.asarray(fit(image, CELL))
        except Exception:  # decoders raise whatever they like
            self._failed.append(row)
            picture = np.zeros((CELL[1], CELL[0], 3), np.uint8)
            picture[:] = np.frombuffer(bytes.fromhex(GREY[1:]), np.uint8)
        return Tile(picture, caption, border)

    def sheet(self, groups: Sequence[Group], columns: int) -> Sheet:
        """Lay out groups of tiles made since the last sheet.

        Nothing is laid out if none of the tiles could be read.
        """
        asked, failed = self._asked, self._failed
        self._asked, self._failed = 0, []
        remark = ''
        if failed:
            first = failed[0]
            name = f'row {first}'
            if self.table.path is not None:
                path = self.table.path[first].decode(errors='replace')
                name += f', {path}'
            remark = (
                f'{len(failed)} of {asked} images could not be read '
                f'(the first is {name}).'
            )
        if len(failed) == asked:
            return Sheet(None, remark)
        image = contact_sheet(groups, columns=columns, cell=CELL)
        return Sheet(image, remark)


def cross_video_sheet(
    pictures: Pictures,
    labels: IdentityLabels,
    summary: IdentitySummary,
    lines: int,
) -> Sheet:
    """Show the identities seen in most videos, one per line."""
    table = pictures.table
    groups = []
    for k in summary.most_videos(lines):
        rows = np.flatnonzero(labels.identity == summary.names[k])
        heading = (
            f'Identity {summary.names[k]}: {len(rows):,} images in '
            f'{summary.videos[k]:,} videos'
        )
        tiles = [
            pictures.tile(int(row), table.videos[table.video_id[row]])
            for row in _rows_per_video(table, rows)
        ]
        groups.append(Group(tiles, heading))
    return pictures.sheet(groups, COLUMNS)


def doubtful_links(
    report: Mapping[str, Any], most: int
) -> list[dict[str, Any]]:
    """Return the accepted links of largest distance, that one first.

    Args:
        report: of the labels.
        most: how many at most.

    Returns:
        The links of all levels, each with the ``delta`` of its level.
    """
    found = [
        {**link, 'delta': noise_of(level).get('delta')}
        for level in report.get('levels') or []
        for link in level.get('doubtful_links') or []
        if link.get('distance') is not None
    ]
    found.sort(key=lambda link: -link['distance'])
    return found[:most]


def doubtful_sheet(
    pictures: Pictures,
    labels: IdentityLabels,
    links: Iterable[Mapping[str, Any]],
) -> Sheet:
    """Show the two sides of every link beside each other."""
    groups = []
    for link in links:
        sides = [
            spread(_valid(link.get(side), len(labels.identity)), SIDE)
            for side in ('first', 'second')
        ]
        heading = f'Distance {link["distance"]:.3f}'
        if link['delta'] is not None:
            heading += f', delta {link["delta"]:.3f}'
        found = np.unique(labels.identity[np.concatenate(sides)])
        if len(found) == 1 and found[0] >= 0:
            heading += f': identity {found[0]}'
        tiles = [
            [_video_tile(pictures, row, color) for row in rows]
            for rows, color in zip(sides, (BLUE, ORANGE), strict=True)
        ]
        groups.append(Group(_beside(*tiles), heading))
    return pictures.sheet(groups, 2 * SIDE + 1)


@dataclass(frozen=True)
class RemovedRows:
    """Tracklets that lost images.

    Attributes:
        partly: indices of tracklets that keep others.
        wholly: indices of tracklets that keep none.
        images: how many rows have no identity.
    """

    partly: np.ndarray
    wholly: np.ndarray
    images: int

    @classmethod
    def of(cls, table: TrackletTable, labels: IdentityLabels) -> RemovedRows:
        """Find them."""
        kept = sums_between(labels.keep, table.tracklet_ptr)
        sizes = np.diff(table.tracklet_ptr)
        return cls(
            np.flatnonzero((kept > 0) & (kept < sizes)),
            np.flatnonzero(kept == 0),
            int(len(table) - kept.sum()),
        )


def removed_sheet(
    pictures: Pictures, labels: IdentityLabels, tracklets: np.ndarray
) -> Sheet:
    """Show kept and removed images of tracklets, one tracklet per line."""
    table = pictures.table
    groups = []
    for t in tracklets:
        rows = np.arange(*table.tracklet_ptr[t : t + 2])
        keep = labels.identity[rows] >= 0
        kept, removed = rows[keep], rows[~keep]
        heading = (
            f'{len(removed):,} of {len(rows):,} images removed: '
            f'{_tracklet_name(table, rows[0])}'
        )
        tiles = [
            [_frame_tile(pictures, row, color) for row in spread(part, SIDE)]
            for part, color in ((kept, None), (removed, RED))
        ]
        groups.append(Group(_beside(*tiles), heading))
    return pictures.sheet(groups, 2 * SIDE + 1)


def dissolved_sheet(pictures: Pictures, tracklets: np.ndarray) -> Sheet:
    """Show the middle image of every tracklet."""
    ptr = pictures.table.tracklet_ptr
    middle = (ptr[tracklets] + ptr[tracklets + 1]) // 2
    tiles = [_video_tile(pictures, row, RED) for row in middle]
    return pictures.sheet([Group(tiles)], COLUMNS)


def _rows_per_video(table: TrackletTable, rows: np.ndarray) -> np.ndarray:
    """Choose up to a line of rows, equally many of each video."""
    starts = np.flatnonzero(np.diff(table.video_id[rows], prepend=-1))
    parts = np.split(rows, starts[1:])
    if len(parts) > COLUMNS:
        chosen = spread(np.arange(len(parts)), COLUMNS)
        parts = [parts[i] for i in chosen]
    each = COLUMNS // len(parts)
    return np.concatenate([spread(part, each) for part in parts])


def _beside(first: Sequence[Tile], second: Sequence[Tile]) -> list[Any]:
    space = [None] * (SIDE - len(first) + 1)
    return [*first, *space, *second]


def _video_tile(pictures: Pictures, row: int, color: str | None) -> Tile:
    video = pictures.table.video_id[row]
    return pictures.tile(int(row), pictures.table.videos[video], color)


def _frame_tile(pictures: Pictures, row: int, color: str | None) -> Tile:
    frame = f'frame {pictures.table.frame[row]}'
    return pictures.tile(int(row), frame, color)


def _tracklet_name(table: TrackletTable, row: int) -> str:
    video = table.videos[table.video_id[row]]
    return f'tracklet {table.tracklet_id[row]} of {video}'


def _valid(rows: Any, length: int) -> np.ndarray:
    """Return those numbers that are rows of a table of this length."""
    found = np.asarray([] if rows is None else rows, np.int64).reshape(-1)
    return found[(found >= 0) & (found < length)]
