"""TrackletTable: every person image of a set of videos, as columns."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .column_folder import (
    load_columns,
    root_from_header,
    root_in_header,
    save_columns,
)
from .columns import as_integers, encode_paths

_KEY_DTYPES: dict[str, type[np.integer]] = {
    'video_id': np.int32,
    'tracklet_id': np.int64,
    'frame': np.int64,
}
_OPTIONAL_DTYPES = {'box': np.float32, 'score': np.float32}
_POINTERS = ('tracklet_ptr', 'video_ptr')


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
        videos: names of the videos.
        sources: name of the recording that each video is a piece of. Within
            one source, equal ``tracklet_id`` in two videos is one track that
            was cut. A video that was not cut is its own source.
        image_root: folder that ``path`` is relative to, or LMDB whose keys are
            the paths, or None.
    """

    KIND = 'TrackletTable'

    def __init__(
        self,
        columns: dict[str, np.ndarray],
        videos: Sequence[str],
        sources: Sequence[str] | None = None,
        image_root: Path | None = None,
    ) -> None:
        self.video_id = columns['video_id']
        self.tracklet_id = columns['tracklet_id']
        self.frame = columns['frame']
        self.path = columns.get('path')
        self.box = columns.get('box')
        self.score = columns.get('score')
        self.videos = tuple(map(str, videos))
        self.sources = tuple(map(str, videos if sources is None else sources))
        self.image_root = image_root
        self._columns = columns

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
        image_root: str | Path | None = None,
    ) -> TrackletTable:
        """Check columns and build a table of them.

        Args:
            video_id: ``(N,)`` integers.
            tracklet_id: ``(N,)`` integers.
            frame: ``(N,)`` integers.
            path: ``(N,)`` text or bytes, relative to ``image_root``.
            box: ``(N, 4)``.
            score: ``(N,)``.
            videos: names; ``video_id`` indexes them. Made up if not given.
            sources: one per video.
            image_root: folder or LMDB of the images.

        Raises:
            TypeError: if a key column holds no numbers.
            ValueError: if a key is no whole number, a frame is negative,
                columns differ in length, rows are not sorted by (video,
                tracklet, frame) — ``TrackletTable.sort_order`` gives the
                permutation —, or names and videos differ in number.
        """
        keys = {
            'video_id': video_id,
            'tracklet_id': tracklet_id,
            'frame': frame,
        }
        columns = {
            name: as_integers(name, values, _KEY_DTYPES[name])
            for name, values in keys.items()
        }
        if path is not None:
            columns['path'] = encode_paths(path)
        for name, value in (('box', box), ('score', score)):
            if value is not None:
                columns[name] = np.asarray(value, _OPTIONAL_DTYPES[name])
        _check_lengths(columns)
        if columns['frame'].min(initial=0) < 0:
            raise ValueError(
                f'frame must be >= 0; the smallest is '
                f'{columns["frame"].min()}.'
            )
        _check_sorted(columns)
        num_videos = int(columns['video_id'].max(initial=-1)) + 1
        if videos is None and num_videos > 10 * len(columns['frame']) + 1000:
            raise ValueError(
                f'video_id goes up to {num_videos - 1} in a table of '
                f'{len(columns["frame"])} rows. Number the videos from 0 on: '
                f'np.unique(video_id, return_inverse=True)[1].'
            )
        if videos is None:
            videos = [f'video{i:05d}' for i in range(num_videos)]
        if len(videos) < num_videos or columns['video_id'].min(initial=0) < 0:
            raise ValueError(
                f'video_id must lie in [0, {len(videos)}), the number of '
                f'video names; it ranges from '
                f'{columns["video_id"].min(initial=0)} to {num_videos - 1}.'
            )
        if sources is not None and len(sources) != len(videos):
            raise ValueError(
                f'sources needs one name per video; got {len(sources)} for '
                f'{len(videos)} videos.'
            )
        root = None if image_root is None else Path(image_root)
        return cls(columns, videos, sources, root)

    @staticmethod
    def sort_order(
        video_id: np.ndarray, tracklet_id: np.ndarray, frame: np.ndarray
    ) -> np.ndarray:
        """Return the stable permutation ``(N,)`` that sorts rows as needed."""
        return np.lexsort((frame, tracklet_id, video_id))

    def __len__(self) -> int:
        return len(self.video_id)

    @functools.cached_property
    def tracklet_ptr(self) -> np.ndarray:
        """``(T + 1,)`` int64; tracklet t is rows ``ptr[t]:ptr[t + 1]``."""
        if 'tracklet_ptr' in self._columns:
            return self._columns['tracklet_ptr']
        new = (np.diff(self.video_id) != 0) | (np.diff(self.tracklet_id) != 0)
        return _pointers(np.flatnonzero(new) + 1, len(self))

    @functools.cached_property
    def video_ptr(self) -> np.ndarray:
        """``(V + 1,)`` int64; video v is rows ``ptr[v]:ptr[v + 1]``."""
        if 'video_ptr' in self._columns:
            return self._columns['video_ptr']
        return np.searchsorted(
            self.video_id, np.arange(len(self.videos) + 1)
        ).astype(np.int64)

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
        """Return the full path of a row's image.

        Raises:
            ValueError: if the table has no paths.
        """
        if self.path is None:
            raise ValueError(
                'this TrackletTable has no image paths; build it with path=.'
            )
        return (self.image_root or Path()) / self.path[row].decode()

    def fingerprint(self) -> str:
        """Return a hash of the keys: it tells whether features belong here."""
        return self._fingerprint

    @functools.cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256(str(self.videos).encode())
        for name in _KEY_DTYPES:
            digest.update(np.ascontiguousarray(self._columns[name]).data)
        return digest.hexdigest()[:16]

    def save(self, folder: str | Path) -> None:
        """Write the table as a folder of columns, atomically.

        ``image_root`` is kept relative to the folder where it lies inside
        the same parent, so that both can be moved together.
        """
        header = {
            'videos': self.videos,
            'sources': self.sources,
            'image_root': root_in_header(self.image_root, folder),
        }
        # stored, so that opening needs no pass over the rows
        pointers = {name: getattr(self, name) for name in _POINTERS}
        columns = {**self._columns, **pointers}
        save_columns(folder, self.KIND, columns, header)

    @classmethod
    def load(cls, folder: str | Path) -> TrackletTable:
        """Open a saved table memory-mapped.

        Raises:
            FileNotFoundError: if there is no table in ``folder``.
            ValueError: if a column is damaged or of another length.
        """
        columns, header = load_columns(folder, cls.KIND)
        _check_lengths(
            {name: columns[name] for name in columns if name not in _POINTERS}
        )
        _check_pointers(folder, columns, len(header['videos']))
        root = root_from_header(header, folder)
        return cls(columns, header['videos'], header['sources'], root)


def _pointers(starts: np.ndarray, rows: int) -> np.ndarray:
    first = [0] if rows else []
    return np.concatenate((first, starts, [rows])).astype(np.int64)


def _check_lengths(columns: dict[str, np.ndarray]) -> None:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f'columns of a TrackletTable differ in rows: {lengths}'
        )
    box = columns.get('box')
    if box is not None and box.shape[1:] != (4,):
        raise ValueError(f'box must be (N, 4) x, y, w, h; got {box.shape}')


def _check_pointers(
    folder: str | Path, columns: dict[str, np.ndarray], num_videos: int
) -> None:
    rows = len(columns['video_id'])
    for name in columns.keys() & set(_POINTERS):
        pointers = columns[name]
        ends = (pointers[0], pointers[-1]) if len(pointers) else ()
        if ends != (0, rows):
            raise ValueError(
                f'{folder}: {name} must run from 0 to {rows}, the number of '
                f'rows; its ends are {tuple(map(int, ends))}. Write the '
                f'table again.'
            )
    if 'video_ptr' in columns and len(columns['video_ptr']) != num_videos + 1:
        raise ValueError(
            f'{folder}: video_ptr has {len(columns["video_ptr"])} entries '
            f'for {num_videos} videos, which need {num_videos + 1}. Write '
            f'the table again.'
        )


def _check_sorted(columns: dict[str, np.ndarray]) -> None:
    keys = [columns[name] for name in _KEY_DTYPES]
    wrong = np.zeros(max(len(keys[0]) - 1, 0), bool)
    equal = ~wrong
    for key in keys:
        step = np.diff(key)
        wrong |= equal & (step < 0)
        equal &= step == 0
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        before, after = (
            tuple(int(key[i]) for key in keys) for i in (row, row + 1)
        )
        raise ValueError(
            f'rows must be sorted by (video_id, tracklet_id, frame): row '
            f'{row + 1} {after} follows {before}. Sort every column with '
            f'TrackletTable.sort_order(video_id, tracklet_id, frame).'
        )
