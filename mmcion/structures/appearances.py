"""Appearances: who is seen in which video, and when."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmcion.utils.checks import check_same_length
from mmcion.utils.io import write_csv

from .tracklet_table import TrackletTable


@dataclass(frozen=True)
class Appearances:
    """One entry per identity and video that it is seen in (ours).

    Entries are sorted by identity, then by video. An identity that leaves a
    video and comes back has one entry for both visits. Frames and seconds are
    those of the recording, also where it was cut into clips.

    Attributes:
        identity: ``(A,)`` of the labels, ascending.
        video_id: ``(A,)`` index into ``table.videos``.
        first_frame: ``(A,)`` int64, frames from 0.
        last_frame: ``(A,)`` int64.
        start: ``(A,)`` float64 time of the first frame in seconds, NaN where
            the frame rate is not known.
        end: ``(A,)`` float64 time of the last frame.
        images: ``(A,)`` number of images.
        best_row: ``(A,)`` row of the image of highest detector score, of
            equal ones that of the largest box, then the earliest. The middle
            image where the table has neither scores nor boxes.
    """

    identity: np.ndarray
    video_id: np.ndarray
    first_frame: np.ndarray
    last_frame: np.ndarray
    start: np.ndarray
    end: np.ndarray
    images: np.ndarray
    best_row: np.ndarray

    COLUMNS = (
        *('identity', 'video', 'first_frame', 'last_frame'),
        *('start_seconds', 'end_seconds', 'images', 'best_crop'),
    )

    @classmethod
    def from_labels(
        cls, table: TrackletTable, identity: np.ndarray
    ) -> Appearances:
        """Find the appearances of all identities.

        Args:
            table: N images.
            identity: ``(N,)`` identity of each; rows of -1 are ignored.
        """
        check_same_length(table=table, identity=identity)
        rows = np.flatnonzero(identity >= 0)
        # one integer per (identity, video), (n,)
        num_videos = max(len(table.videos), 1)
        key = identity[rows].astype(np.int64) * num_videos
        key += table.video_id[rows]
        order = np.lexsort((table.frame[rows], key))
        rows, key = rows[order], key[order]
        # an entry is the rows starts..stops
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        stops = np.append(starts, len(rows))[1:]
        found, video = np.divmod(key[starts], num_videos)
        first, last = table.frame[rows[starts]], table.frame[rows[stops - 1]]
        fps = np.where(table.fps > 0, table.fps, np.nan)[video]
        return cls(
            found,
            video,
            first,
            last,
            first / fps,
            last / fps,
            stops - starts,
            rows[_best(table, rows, starts, stops)],
        )

    def __len__(self) -> int:
        return len(self.identity)

    def to_rows(self, table: TrackletTable) -> Iterator[list[object]]:
        """Yield ``COLUMNS`` of every entry; what is not known is empty.

        The path of a crop is the table's, below its ``image_root``.
        """
        columns = (
            self.identity,
            self.video_id,
            self.first_frame,
            self.last_frame,
            self.start.round(3),
            self.end.round(3),
            self.images,
            self.best_row,
        )
        for entry in zip(*(c.tolist() for c in columns), strict=True):
            identity, video, first, last, start, end, images, best = entry
            known = start == start  # NaN is not equal to itself
            yield [
                identity,
                table.videos[video],
                first,
                last,
                start if known else '',
                end if known else '',
                images,
                '' if table.path is None else os.fsdecode(table.path[best]),
            ]

    def save(self, path: str | Path, table: TrackletTable) -> None:
        """Write the entries atomically as CSV."""

        def lines() -> Iterator[list[object]]:
            yield list(self.COLUMNS)
            yield from self.to_rows(table)

        write_csv(path, lines())


def _best(
    table: TrackletTable,
    rows: np.ndarray,
    starts: np.ndarray,
    stops: np.ndarray,
) -> np.ndarray:
    """Return ``(A,)`` positions in ``rows``, the best of starts..stops."""
    if not len(starts) or (table.score is None and table.box is None):
        return (starts + stops) // 2
    sizes = stops - starts
    best = np.ones(len(rows), bool)
    values = []
    if table.score is not None:
        values.append(table.score[rows])
    if table.box is not None:
        values.append(table.box[rows, 2:].prod(axis=1))
    # where the scores are equal, the boxes decide
    for value in values:
        value = np.where(best & ~np.isnan(value), value, -np.inf)
        top = np.repeat(np.maximum.reduceat(value, starts), sizes)
        best &= value == top
    candidates = np.flatnonzero(best)
    return candidates[np.searchsorted(candidates, starts)]
