"""TimeAxis: the recordings of a table one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mmcion.structures import TrackletTable

from .text import clock

_MOST_NAMES = 12  # names of videos, or else of recordings, that all fit
_MOST_TICKS = 8
_LEAST_GAP = 0.07  # between two ticks, part of the axis
_LEAST_WIDTH = 0.11  # of a name, where not all fit
# steps between ticks in seconds, up to a day
_SECONDS = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200, 86400),
)
_FRAMES = tuple(n * 10**power for power in range(10) for n in (1, 2, 5))
_SAMPLE = 1 << 20  # rows that show how far apart the images of a track are


@dataclass(frozen=True)
class Mark:
    """A name or a time on an axis."""

    left: float  # of 0 to 1
    text: str
    width: float = 0.0


class TimeAxis:
    """Recordings one after the other, in the order of the table (ours).

    A recording begins with its first image and ends with its last; the clips
    that it was cut into follow each other as in time. The unit is a second,
    or a frame where the frame rate of a video is not known.

    Args:
        table: Images.

    Attributes:
        in_seconds: Whether the unit is a second.
        length: Length in units.
        step: Length in units that an image stands for: the usual distance to
            the next one of its tracklet.
        names: Videos, or recordings if these are fewer; some, if they are
            many.
        cuts: ``(C,)`` beginnings of recordings and clips, of 0 to 1.
    """

    def __init__(self, table: TrackletTable) -> None:
        used = np.flatnonzero(np.diff(table.video_ptr))  # (U,) with images
        self.in_seconds = bool(len(used)) and bool((table.fps[used] > 0).all())
        self._rate = table.fps if self.in_seconds else np.ones(len(table.fps))
        starts = table.video_ptr[used]
        if len(used):
            first = np.minimum.reduceat(table.frame, starts)
            last = np.maximum.reduceat(table.frame, starts)
        else:
            first = last = np.zeros(0, np.int64)
        # of images one after the other in a tracklet
        some = slice(_SAMPLE)
        steps = np.diff(table.frame[some])
        steps = steps[(np.diff(table.tracklet_index[some]) == 0) & (steps > 0)]
        step = float(np.median(steps)) if len(steps) else 1.0
        rate = self._rate[used]
        begin, end = first / rate, (last + step) / rate  # (U,)
        self.step = float((step / rate).max(initial=0)) or step
        # recordings in the order of their first videos
        recordings = list(dict.fromkeys(table.sources[v] for v in used))
        index = {name: n for n, name in enumerate(recordings)}
        source = np.array([index[table.sources[v]] for v in used], int)
        self._begin = np.full(len(recordings), np.inf)
        ends = np.full(len(recordings), -np.inf)
        np.minimum.at(self._begin, source, begin)
        np.maximum.at(ends, source, end)
        self._offset = np.cumsum([0, *(ends - self._begin)])
        self.length = float(self._offset[-1])
        self._source = np.zeros(len(table.videos), int)
        self._source[used] = source
        self._ends = ends
        # where videos begin
        left = self.position(used, first)
        self.cuts = np.sort(left)
        names = [table.videos[v] for v in used]
        if len(used) > _MOST_NAMES:
            left = self._offset[:-1] / max(self.length, 1e-9)
            names = recordings
        self.names = _name(sorted(zip(left.tolist(), names, strict=True)))

    def position(self, video: np.ndarray, frame: np.ndarray) -> np.ndarray:
        """Return where frames are on the axis, of 0 to 1.

        Args:
            video: ``(n,)`` index into the videos of the table.
            frame: ``(n,)`` frame in the recording.
        """
        source = self._source[video]
        units = frame / self._rate[video] - self._begin[source]
        return (self._offset[source] + units) / max(self.length, 1e-9)

    def text(self, video: int, frame: float) -> str:
        """Return the time in the recording, or the frame."""
        if self.in_seconds:
            return clock(frame / self._rate[video])
        return f'{frame:,.0f}'

    @property
    def ticks(self) -> list[Mark]:
        """Times, or frames, of the recordings; empty if there are too many."""
        if len(self._begin) > _MOST_TICKS:
            return []
        steps = _SECONDS if self.in_seconds else _FRAMES
        step = next((s for s in steps if self.length / s <= _MOST_TICKS), None)
        times = []
        for n, begin in enumerate(self._begin):
            step = step or steps[-1]
            for value in np.arange(
                -(-begin // step) * step, self._ends[n], step
            ):
                left = (self._offset[n] + value - begin) / self.length
                text = clock(value) if self.in_seconds else f'{value:,.0f}'
                times.append((float(left), text))
        return [Mark(*time) for time in _apart(times, _LEAST_GAP)]

    @property
    def length_text(self) -> str:
        """Length, such as ``12:30`` or ``7,200 frames``."""
        if self.in_seconds:
            return clock(self.length)
        return f'{self.length:,.0f} frames'


def _name(named: list[tuple[float, str]]) -> list[Mark]:
    """Return names up to where the next one begins, some of many."""
    if len(named) > _MOST_NAMES:
        named = _apart(named, _LEAST_WIDTH)
    return [
        Mark(left, name, after - left)
        for (left, name), (after, _) in pairwise([*named, (1.0, '')])
    ]


def _apart(
    marks: list[tuple[float, str]], gap: float
) -> list[tuple[float, str]]:
    """Return sorted marks that are so far from each other and from 1."""
    chosen: list[tuple[float, str]] = []
    for left, text in marks:
        if left <= 1 - gap and (not chosen or left - chosen[-1][0] >= gap):
            chosen.append((left, text))
    return chosen
