"""Who is seen when and where: identities over the time of their videos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageColor

from mmcion.structures import Appearances, IdentityLabels, TrackletTable

from .denoising_counts import IdentityCounts
from .denoising_tiles import TableTiles
from .palette import COLORS
from .tiles import Tile, fit
from .time_axis import TimeAxis

ROWS = 24  # identities that are shown one by one
_THUMBNAIL = (60, 120)  # twice the pixels that it is shown with
_GAP = 0.004  # of the axis; shorter gaps between images are not drawn
_LEAST = 0.003  # width of a bar, so that one image can be seen
_MOST_CUTS = 30  # lines between videos; of more only those with a name
# pixels of the overview, at most
_HEIGHT, _WIDTH = 480, 600


@dataclass(frozen=True)
class Bar:
    """A time in which an identity is seen, of 0 to 1 on the axis."""

    left: float
    width: float
    text: str  # video and times


@dataclass(frozen=True)
class TimelineRow:
    """An identity and when it is seen."""

    identity: int
    images: int
    videos: int
    bars: list[Bar]
    thumbnail: Tile | None


@dataclass(frozen=True)
class Timeline:
    """Identities over time: some one by one, and all in one image."""

    axis: TimeAxis
    rows: list[TimelineRow]
    overview: Image.Image | None = None  # None if all identities have a row

    @property
    def cuts(self) -> list[float]:
        """Where lines between videos are drawn, of 0 to 1."""
        cuts = self.axis.cuts[1:].tolist()
        if len(cuts) > _MOST_CUTS:
            return [mark.left for mark in self.axis.names[1:]]
        return cuts


def make_timeline(
    table: TrackletTable,
    labels: IdentityLabels,
    counts: IdentityCounts,
    tiles: TableTiles | None = None,
    *,
    most: int = ROWS,
) -> Timeline:
    """Draw when identities are seen.

    Shown one by one are those of most videos, then of most images; in the
    order in which they are first seen.

    Args:
        table: Images.
        labels: Their identities.
        counts: Counts of these.
        tiles: Makes thumbnails of the best crops; None for none.
        most: Identities to show one by one; with more there is an overview of
            all.
    """
    axis = TimeAxis(table)
    first = _first_seen(axis, table, labels, counts)  # (K,)
    chosen = np.lexsort((-counts.images, -counts.videos))[:most]
    chosen = chosen[np.lexsort((chosen, first[chosen]))]
    rows = []
    for k in chosen:
        name = int(counts.identity[k])
        here = np.flatnonzero(labels.identity == name)
        thumbnail = None
        if tiles is not None:
            thumbnail = _thumbnail(tiles, table, here)
        bars = find_bars(axis, table, here)
        images, videos = int(counts.images[k]), int(counts.videos[k])
        rows.append(TimelineRow(name, images, videos, bars, thumbnail))
    overview = None
    if len(counts.identity) > len(chosen):
        overview = _overview(axis, table, labels, counts, first)
    return Timeline(axis, rows, overview)


def find_bars(
    axis: TimeAxis, table: TrackletTable, rows: np.ndarray
) -> list[Bar]:
    """Return the times of images, where gaps that cannot be seen are closed.

    Args:
        axis: Axis of the table.
        table: Images.
        rows: ``(n,)`` rows of an identity.
    """
    video, frame = table.video_id[rows], table.frame[rows]
    left = axis.position(video, frame)
    order = np.lexsort((left, video))
    video, frame, left = video[order], frame[order], left[order]
    # an image stands for the time until the next one, which may be missing
    image = axis.step / max(axis.length, 1e-9)
    apart = np.ones(len(left), bool)
    apart[1:] = np.diff(left) - image > max(_GAP, image)
    apart[1:] |= np.diff(video) != 0
    starts = np.flatnonzero(apart)
    stops = np.append(starts, len(left))[1:] - 1
    bars = []
    for start, stop in zip(starts, stops, strict=True):
        width = max(left[stop] - left[start] + image, _LEAST)
        x = min(left[start], 1 - width)
        number = int(video[start])
        begin, end = (axis.text(number, frame[i]) for i in (start, stop))
        when = begin if begin == end else f'{begin} to {end}'
        text = f'{table.videos[number]}, {when}'
        bars.append(Bar(float(x), float(width), text))
    return sorted(bars, key=lambda bar: bar.left)


def _thumbnail(
    tiles: TableTiles, table: TrackletTable, rows: np.ndarray
) -> Tile:
    """Return the best crop of an identity, small."""
    identity = np.full(len(table), -1, np.int32)
    identity[rows] = 0
    entries = Appearances.from_labels(table, identity)
    # of the video with most images
    best = entries.best_row[[entries.images.argmax()]]
    (tile,) = tiles(best)
    if tile.image is not None:
        tile.image = fit(tile.image, _THUMBNAIL)
    return tile


def _first_seen(
    axis: TimeAxis,
    table: TrackletTable,
    labels: IdentityLabels,
    counts: IdentityCounts,
) -> np.ndarray:
    """Return ``(K,)`` where identities are first seen, of 0 to 1."""
    first = np.full(len(counts.identity), np.inf)
    rows = np.flatnonzero(labels.keep)
    left = axis.position(table.video_id[rows], table.frame[rows])
    index = np.searchsorted(counts.identity, labels.identity[rows])
    np.minimum.at(first, index, left)
    return first


def _overview(
    axis: TimeAxis,
    table: TrackletTable,
    labels: IdentityLabels,
    counts: IdentityCounts,
    first: np.ndarray,
) -> Image.Image:
    """Draw all identities, a line of pixels each, or several in one."""
    num = len(first)
    height = min(num, _HEIGHT)
    rank = np.empty(num, np.int64)
    rank[np.argsort(first, kind='stable')] = np.arange(num)
    rows = np.flatnonzero(labels.keep)
    left = axis.position(table.video_id[rows], table.frame[rows])
    index = np.searchsorted(counts.identity, labels.identity[rows])
    # an identity counts once in each column of pixels, (n,) -> (m,)
    column = np.minimum((left * _WIDTH).astype(np.int64), _WIDTH - 1)
    seen = np.unique(rank[index] * _WIDTH + column)
    line, column = np.divmod(seen, _WIDTH)
    line = line * height // num
    pixels = np.bincount(line * _WIDTH + column, minlength=height * _WIDTH)
    # part of the identities of a line; one of many must be visible, too
    part = pixels.reshape(height, _WIDTH) / -(-num // height)
    shade = np.where(part > 0, 0.5 + 0.5 * part.clip(0, 1), 0)
    image = Image.fromarray(np.uint8(255 * shade))
    low, high = (
        np.array(ImageColor.getrgb(COLORS[name])) for name in ('panel', 'blue')
    )
    ramp = np.linspace(low, high, 256).round().astype(np.uint8)  # (256, 3)
    image.putpalette(ramp.tobytes())
    return image
