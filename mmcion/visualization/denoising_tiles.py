"""Tiles of a denoising: what was joined and what was removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from mmcion.structures import IdentityLabels, TrackletTable

from .denoising_counts import IdentityCounts
from .denoising_facts import DoubtfulLink
from .tiles import COLUMNS, ImageLike, Tile, TileGroup, read_tile, spread

_SIDE = 4  # tiles of a side where there are two


class TableTiles:
    """Makes tiles of rows of a table.

    Args:
        table: Images, with paths.
        load: Returns the image of a path, see ``read_image``; None reads
            files below the table's ``image_root``.
    """

    def __init__(
        self,
        table: TrackletTable,
        load: Callable[[str], ImageLike] | None = None,
    ) -> None:
        self.table = table
        root = table.image_root or Path()
        self.load = load or root.joinpath

    def __call__(self, rows: np.ndarray, border: str = '') -> list[Tile]:
        """Return tiles of rows, with video and frame below them."""
        table = self.table
        assert table.path is not None
        tiles = []
        for row in rows:
            path = table.path[row].decode()
            video = table.videos[table.video_id[row]]
            caption = f'{video}\nframe {table.frame[row]}'
            tiles.append(read_tile(self.load, path, caption, border))
        return tiles


def cross_video_groups(
    tiles: TableTiles,
    labels: IdentityLabels,
    counts: IdentityCounts,
    most: int,
    *,
    videos: str = 'videos',
) -> list[TileGroup]:
    """Show the identities of most videos, with images of each in its order.

    ``videos`` is what the headings call them.
    """
    table = tiles.table
    groups = []
    for k in counts.in_most_videos(most):
        rows = np.flatnonzero(labels.identity == counts.identity[k])
        rows = rows[np.lexsort((table.frame[rows], table.video_id[rows]))]
        starts = np.flatnonzero(np.diff(table.video_id[rows])) + 1
        parts = np.split(rows, starts)  # one per video
        # equally many of each video, or one each of some videos
        chosen = spread(np.arange(len(parts)), COLUMNS)
        columns = np.array_split(np.arange(COLUMNS), len(chosen))
        shown = [
            spread(parts[i], len(part))
            for i, part in zip(chosen, columns, strict=True)
        ]
        heading = (
            f'Identity {counts.identity[k]}: {len(rows):,} images in '
            f'{len(parts):,} {videos}'
        )
        groups.append(TileGroup([tiles(np.concatenate(shown))], heading))
    return groups


def doubtful_groups(
    tiles: TableTiles,
    labels: IdentityLabels,
    links: Iterable[DoubtfulLink],
) -> list[TileGroup]:
    """Show the two sides of links beside each other."""
    groups = []
    for link in links:
        sides = []
        for side in (link.first, link.second):
            rows = np.asarray(side, np.int64)
            # a report from elsewhere may name rows that are not in the table
            known = (rows >= 0) & (rows < len(labels.identity))
            sides.append(spread(rows[known], _SIDE))
        heading = f'Distance {link.distance:.3f}'
        if link.delta is not None:
            heading += f', delta {link.delta:.3f}'
        # later levels may have removed or reallocated some of the images
        found = np.unique(labels.identity[np.concatenate(sides)])
        if len(found) == 1 and found[0] >= 0:
            heading += f': identity {found[0]}'
        shown = [tiles(sides[0], 'blue'), tiles(sides[1], 'orange')]
        groups.append(TileGroup(shown, heading))
    return groups


def removed_groups(
    tiles: TableTiles, labels: IdentityLabels, tracklets: np.ndarray
) -> list[TileGroup]:
    """Show kept and removed images of tracklets beside each other."""
    table = tiles.table
    groups = []
    for start, end in zip(
        table.tracklet_ptr[tracklets],
        table.tracklet_ptr[tracklets + 1],
        strict=True,
    ):
        # rows of the tracklet, in the order of its frames
        rows = np.arange(start, end)
        keep = labels.identity[rows] >= 0
        heading = (
            f'{(~keep).sum():,} of {len(rows):,} images removed: tracklet '
            f'{table.tracklet_id[start]} of '
            f'{table.videos[table.video_id[start]]}'
        )
        sides = [
            tiles(spread(rows[keep], _SIDE)),
            tiles(spread(rows[~keep], _SIDE), 'red'),
        ]
        groups.append(TileGroup(sides, heading))
    return groups


def dissolved_groups(
    tiles: TableTiles, tracklets: np.ndarray
) -> list[TileGroup]:
    """Show the middle image of every tracklet."""
    # tracklet t is rows ptr[t] to ptr[t + 1]
    ptr = tiles.table.tracklet_ptr
    middle = (ptr[tracklets] + ptr[tracklets + 1]) // 2
    return [TileGroup([tiles(middle, 'red')])]
