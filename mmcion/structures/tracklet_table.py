"""TrackletTable: every person image of a set of videos, as columns."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmcion.utils.checks import UserError, check_same_length, name_in_errors

from .column_folder import load_columns, save_columns
from .columns import (
    as_floats,
    as_integers,
    check_finite,
    encode_paths,
    first_unsorted,
)

_KEYS = ('video_id', 'tracklet_id', 'frame')
_HEADER_FORM = {
    'videos': list[str],
    'sources': list[str],
    'fps': list[float | None] | None,
}


class TrackletTable:
    """N images sorted by (video, tracklet, frame), and where groups begin.

    A row is one image. ``tracklet_id`` need only be unique within its video.
    Row order is the order of every array that belongs to the table
    (features, labels) and never changes. Rows may be equal.

    Attributes:
        video_id: ``(N,)`` int32, index into ``videos``.
        tracklet_id: ``(N,)`` int64.
        frame: ``(N,)`` int64, frame number in the source video, from 0.
        path: ``(N,)`` bytes, image files relative to ``image_root``, or None.
        box: ``(N, 4)`` float32 ``x, y, w, h`` in pixels of the source frame,
            or None. Its width and height are the original resolution.
        score: ``(N,)`` float32 detector confidence, or None.
        tracklet_ptr: ``(T + 1,)`` int64; tracklet t is rows
            ``ptr[t]:ptr[t + 1]``.
        video_ptr: ``(V + 1,)`` int64; video v is rows ``ptr[v]:ptr[v + 1]``.
        videos: Names of the videos.
        sources: Recording of each video. Within one, equal ``tracklet_id`` in
            two videos is one track that was cut.
        fps: ``(V,)`` float64 frames per second of each video's recording,
            NaN where it is not known.
        image_root: Folder that ``path`` is relative to, or LMDB whose keys
            are the paths, or None.
    """

    KIND = 'TrackletTable'

    def __init__(
        self,
        columns: dict[str, np.ndarray],
        videos: Sequence[str],
        sources: Sequence[str] | None = None,
        image_root: Path | None = None,
        fps: Sequence[float | None] | None = None,
    ) -> None:
        if 'tracklet_ptr' not in columns:
            video, tracklet = columns['video_id'], columns['tracklet_id']
            # a tracklet begins where it or its video is another than before
            new = np.ones(len(video), bool)
            new[1:] = (np.diff(video) != 0) | (np.diff(tracklet) != 0)
            first = np.searchsorted(video, np.arange(len(videos) + 1))
            columns = {
                **columns,
                'tracklet_ptr': np.append(np.flatnonzero(new), len(video)),
                'video_ptr': first.astype(np.int64),
            }
        self.video_id = columns['video_id']
        self.tracklet_id = columns['tracklet_id']
        self.frame = columns['frame']
        self.path = columns.get('path')
        self.box = columns.get('box')
        self.score = columns.get('score')
        self.tracklet_ptr = columns['tracklet_ptr']
        self.video_ptr = columns['video_ptr']
        self.videos = tuple(map(str, videos))
        self.sources = tuple(map(str, videos if sources is None else sources))
        # None becomes NaN
        self.fps = np.array(
            [None] * len(videos) if fps is None else fps, float
        )
        self.image_root = image_root
        self._columns = columns
        check_same_length(
            videos=self.videos, sources=self.sources, fps=self.fps
        )
        if self.box is not None and self.box.shape[1:] != (4,):
            shape = self.box.shape
            raise UserError(f'box must be (N, 4) x, y, w, h; got {shape}.')

    @classmethod
    def from_columns(
        cls,
        *,
        video_id: np.ndarray,
        tracklet_id: np.ndarray,
        frame: np.ndarray,
        path: Sequence[str] | np.ndarray | None = None,
        box: np.ndarray | None = None,
        score: np.ndarray | None = None,
        videos: Sequence[str] | None = None,
        sources: Sequence[str] | None = None,
        fps: Sequence[float | None] | None = None,
        image_root: str | Path | None = None,
    ) -> TrackletTable:
        """Check columns and build a table of them.

        Args:
            video_id: ``(N,)`` integers, index into ``videos``.
            tracklet_id: ``(N,)`` integers.
            frame: ``(N,)`` integers >= 0.
            path: ``(N,)`` text or bytes.
            box: ``(N, 4)`` finite numbers.
            score: ``(N,)`` numbers.
            videos: V names; ``video00000`` and so on if None.
            sources: V recordings; each video its own if None.
            fps: V numbers of frames per second, None where it is not known.
            image_root: Folder or LMDB of the images.

        Raises:
            UserError: If columns do not fit together or are not sorted; see
                ``sort_order``.
        """
        columns = {
            'video_id': as_integers('video_id', video_id, np.int32),
            'tracklet_id': as_integers('tracklet_id', tracklet_id, np.int64),
            'frame': as_integers('frame', frame, np.int64),
        }
        keys = list(columns.values())
        if path is not None:
            columns['path'] = encode_paths(path)
        for name, values in (('box', box), ('score', score)):
            if values is not None:
                column = as_floats(name, values)
                columns[name] = column.astype(np.float32, copy=False)
        check_same_length(**columns)
        if box is not None:
            check_finite('box', columns['box'])
        if (lowest := columns['frame'].min(initial=0)) < 0:
            raise UserError(f'frame must be >= 0; got {lowest}.')
        if (row := first_unsorted(keys)) is not None:
            after, before = ([int(k[i]) for k in keys] for i in (row, row - 1))
            raise UserError(
                f'rows must be sorted by {_KEYS}, see sort_order(); '
                f'row {row} {after} follows {before}.'
            )
        # sorted, so the ends are the smallest and the largest
        ends = columns['video_id'][[0, -1]] if len(video_id) else (0, -1)
        first, last = map(int, ends)
        # a date as the number of a video would need millions of names
        if videos is None and last < 10 * len(video_id) + 1000:
            videos = [f'video{i:05d}' for i in range(last + 1)]
        if videos is None or not 0 <= first <= last + 1 <= len(videos):
            raise UserError(
                f'video_id must index {len(videos or ())} names of videos; '
                f'got {first} to {last}.'
            )
        root = None if image_root is None else Path(image_root)
        return cls(columns, videos, sources, root, fps)

    @staticmethod
    def sort_order(
        video_id: np.ndarray, tracklet_id: np.ndarray, frame: np.ndarray
    ) -> np.ndarray:
        """Return the stable permutation ``(N,)`` that sorts the rows."""
        return np.lexsort((frame, tracklet_id, video_id))

    def __len__(self) -> int:
        return len(self.video_id)

    @functools.cached_property
    def tracklet_index(self) -> np.ndarray:
        """``(N,)`` int32; running number of each row's tracklet, 0..T-1."""
        sizes = np.diff(self.tracklet_ptr)
        return np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)

    @property
    def num_tracklets(self) -> int:
        """Number of tracklets T."""
        return len(self.tracklet_ptr) - 1

    def image_path(self, row: int) -> Path:
        """Return the full path of a row's image."""
        if self.path is None:
            raise UserError('the table has no image paths.')
        return (self.image_root or Path()) / os.fsdecode(self.path[row])

    def fingerprint(self) -> str:
        """Return a hash of keys and videos, to check features against."""
        return self._fingerprint

    @functools.cached_property
    def _fingerprint(self) -> str:
        # not the paths: images may move, their features stay the same
        digest = hashlib.sha256(str(self.videos).encode())
        for name in _KEYS:
            digest.update(np.ascontiguousarray(self._columns[name]).data)
        return digest.hexdigest()[:16]

    def save(self, folder: str | Path) -> None:
        """Write the table as a folder; see ``save_columns``."""
        header = {
            'videos': self.videos,
            'sources': self.sources,
            'image_root': self.image_root,
            # JSON has no NaN
            'fps': [None if np.isnan(x) else x for x in self.fps.tolist()],
        }
        save_columns(folder, self.KIND, self._columns, header)

    @classmethod
    def load(cls, folder: str | Path) -> TrackletTable:
        """Open a saved table memory-mapped; see ``load_columns``."""
        columns, header = load_columns(
            folder, cls.KIND, dict.fromkeys(_KEYS, 'iu'), _HEADER_FORM
        )
        videos, sources = header['videos'], header['sources']
        pointers = columns.keys() & {'tracklet_ptr', 'video_ptr'}
        check_same_length(**{k: columns[k] for k in columns.keys() - pointers})
        # the ends are checked; all pointers would need a pass over the rows
        rows = len(columns['video_id'])
        for name in pointers:
            size, ends = len(columns[name]), columns[name][:1].tolist()
            ends += columns[name][-1:].tolist()
            wanted = len(videos) + 1 if name == 'video_ptr' else size
            if ends != [0, rows] or size != wanted:
                raise UserError(
                    f'{folder}: {name} ({size} entries, {ends}) does not fit '
                    f'{rows} rows and {len(videos)} videos.'
                )
        root = header['image_root']
        with name_in_errors(folder):
            return cls(columns, videos, sources, root, header.get('fps'))
