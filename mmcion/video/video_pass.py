"""One pass over one video: frames in, a shard and crops out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .crops import CropFolders, CropSettings, crop_window
from .detections import Detections
from .detectors import BaseDetector
from .tracking import NO_TRACK, BaseTracker
from .video_files import VideoFile
from .video_reader import VideoReader
from .video_shard import CROPS, VideoShard


class VideoPass:
    """Turns one video into a shard.

    Args:
        video: what to read.
        out: folder of the whole run.
        detector: finds people.
        tracker: joins them to tracks.
        settings: which crops are kept.
    """

    def __init__(
        self,
        video: VideoFile,
        out: Path,
        detector: BaseDetector,
        tracker: BaseTracker,
        settings: CropSettings,
    ) -> None:
        self.video = video
        self.detector = detector
        self.tracker = tracker
        self.settings = settings
        self.crops = CropFolders(out / CROPS, video.name, settings.quality)
        self.rows: list[tuple[int, int, str, np.ndarray, float]] = []
        self.dropped: Counter[str] = Counter()
        self.num_detections = 0

    def run(self, key: str, on_frame: Callable[[], None]) -> VideoShard:
        """Read the video to its end.

        Args:
            key: kept in the shard.
            on_frame: called after every frame.

        Raises:
            ValueError: if the video cannot be opened, or has no frame.
        """
        start = time.perf_counter()
        try:
            with VideoReader(self.video.path) as reader:
                self._read(reader, on_frame)
            if not reader.num_read:
                raise ValueError(
                    f'{self.video.path} has no frame that can be decoded.'
                )
            columns = self._columns(reader)
            self.crops.finish(self._places(columns))
        finally:
            self.crops.discard()
        seconds = round(time.perf_counter() - start, 2)
        return VideoShard(
            columns=columns,
            clips=self._clip_names(),
            report=self._report(reader, columns, seconds),
            key=key,
        )

    def _read(self, reader: VideoReader, on_frame: Callable[[], None]) -> None:
        self.detector.open_video(self.video.path)
        self.tracker.reset(reader.fps)
        for frame, image, _ in reader:
            found = self.detector.detect(image, frame)
            ids = self.tracker.update(found)
            self.num_detections += len(found)
            for number, track in enumerate(ids):
                self._take(image, frame, number, int(track), found)
            on_frame()

    def _take(
        self,
        image: np.ndarray,
        frame: int,
        number: int,
        track: int,
        found: Detections,
    ) -> None:
        box = found.boxes[number]
        height, width = image.shape[:2]
        x1, y1, x2, y2 = crop_window(box, width, height, self.settings.padding)
        reason = ''
        if track == NO_TRACK:
            reason = 'no_track'
        elif frame % self.settings.stride:
            reason = 'stride'
        elif box[3] - box[1] < self.settings.min_height:
            reason = 'min_height'
        elif x2 <= x1 or y2 <= y1:
            reason = 'outside_frame'
        if reason:
            self.dropped[reason] += 1
            return
        name = f'{track:06d}_{frame:07d}_{number:02d}.jpg'
        self.crops.add(name, image[y1:y2, x1:x2])
        self.rows.append((track, frame, name, box, found.scores[number]))

    def _clip_names(self) -> list[str]:
        return self.video.clip_names(self.settings.clips)

    def _columns(self, reader: VideoReader) -> dict[str, np.ndarray]:
        """Assign clips, drop short tracklets, sort."""
        tracks, frames, names, boxes, scores = (
            zip(*self.rows, strict=True) if self.rows else ((),) * 5
        )
        frame = np.asarray(frames, np.int64)
        track = np.asarray(tracks, np.int64)
        clip = frame * self.settings.clips // max(reader.num_frames, 1)
        folders = self._clip_names()
        paths = [f'{folders[c]}/{n}' for c, n in zip(clip, names, strict=True)]
        columns = {
            'clip': clip,
            'tracklet_id': track,
            'frame': frame,
            'path': np.char.encode(np.asarray(paths, str), 'utf-8'),
            'box': _corners_to_size(boxes),
            'score': np.asarray(scores, np.float32),
        }
        kept = self._long_enough(clip, track)
        self.dropped['min_length'] += int((~kept).sum())
        rows = np.flatnonzero(kept)
        rows = rows[np.lexsort((frame[rows], track[rows], clip[rows]))]
        return {name: column[rows] for name, column in columns.items()}

    def _long_enough(self, clip: np.ndarray, track: np.ndarray) -> np.ndarray:
        pairs = np.stack((clip, track), axis=1)
        _, inverse, counts = np.unique(
            pairs, axis=0, return_inverse=True, return_counts=True
        )
        return counts[inverse.reshape(-1)] >= self.settings.min_length

    def _places(self, columns: dict[str, np.ndarray]) -> list[tuple[str, str]]:
        paths = [path.decode() for path in columns['path']]
        return [tuple(path.rsplit('/', 1)) for path in paths]

    def _report(
        self,
        reader: VideoReader,
        columns: dict[str, np.ndarray],
        seconds: float,
    ) -> dict[str, Any]:
        pairs = np.stack((columns['clip'], columns['tracklet_id']), axis=1)
        return {
            'name': self.video.name,
            'source': str(self.video.path),
            'clips': self._clip_names(),
            **reader.report(),
            'detections': self.num_detections,
            'tracklets': len(np.unique(pairs, axis=0)),
            'images': len(columns['frame']),
            'dropped': dict(sorted(self.dropped.items())),
            'seconds': seconds,
        }


def _corners_to_size(boxes: Any) -> np.ndarray:
    corners = np.asarray(boxes, np.float32).reshape(-1, 4)
    return np.concatenate(
        (corners[:, :2], corners[:, 2:] - corners[:, :2]), axis=1
    )
