"""VideoExtractor: one pass over a video; frames in, shard and crops out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.registry import Registry

from mmcion.registry import DETECTORS, TRACKERS
from mmcion.utils.checks import UserError

from .annotated_video import Draw, annotated_video
from .crops import CropFolders, CropSettings, crop_window
from .detection_threads import detect_frames
from .detectors import BaseDetector
from .tracking import NO_TRACK, BaseTracker
from .video_files import VideoFile
from .video_reader import VideoReader
from .video_shard import ANNOTATED, CROPS, SHARDS, VideoShard

# track, frame, file name of the crop, box as corners, score
_Row = tuple[int, int, str, np.ndarray, float]


@dataclass
class VideoExtractor:
    """Extracts the tracklets of one video after the other.

    It can be sent to another process until it has extracted a video:
    detector and tracker are built from their configs when they are needed.
    ``out`` is the folder of all videos. With ``save_video`` it gets a copy
    of each one with its tracks drawn.
    """

    detector_config: dict[str, Any]
    tracker_config: dict[str, Any]
    settings: CropSettings
    out: Path
    save_video: bool = False

    def __post_init__(self) -> None:
        self.detector_config = _with_class(self.detector_config, DETECTORS)
        self.tracker_config = _with_class(self.tracker_config, TRACKERS)

    @cached_property
    def detector(self) -> BaseDetector:
        """Detector of all videos."""
        detector = DETECTORS.build(self.detector_config)
        detector.load()
        return detector

    @cached_property
    def tracker(self) -> BaseTracker:
        """Tracker of all videos."""
        return TRACKERS.build(self.tracker_config)

    def extract(
        self, video: VideoFile, on_frame: Callable[[], Any]
    ) -> VideoShard:
        """Read a video, calling ``on_frame`` for each frame; save its shard.

        Raises:
            UserError: If the video cannot be opened, or has no frame.
        """
        start = time.perf_counter()
        clips = video.clip_names(self.settings.clips)
        quality = self.settings.quality
        crops = CropFolders(self.out / CROPS, video.name, quality)
        with crops, VideoReader(video.path) as reader:
            self.detector.open_video(video.path)
            self.tracker.reset(reader.fps)
            with self._drawing(video, reader) as draw:
                rows, dropped = self._crop(reader, crops, draw, on_frame)
                if not reader.num_read:
                    raise UserError(f'{video.path} has no readable frame.')
            left_out = self.detector.left_out(reader.num_frames)
            dropped.update(left_out.counts)
            num_detections = len(rows) + dropped.total()
            columns = _make_columns(
                rows, clips, reader.num_frames, self.settings.min_length
            )
            # tracklets are complete only now: keep the crops of long ones
            crops.finish(path.decode() for path in columns['path'])
        dropped['min_length'] = len(rows) - len(columns['path'])
        pairs = np.stack((columns['clip'], columns['tracklet_id']), axis=1)
        report = {
            'name': video.name,
            'source': str(video.path),
            'clips': clips,
            **reader.report(),
            'detections': num_detections,
            'tracklets': len(np.unique(pairs, axis=0)),
            'images': len(columns['frame']),
            'dropped': dict(sorted(dropped.items())),
            'examples': left_out.examples,
            'seconds': round(time.perf_counter() - start, 2),
        }
        shard = VideoShard(columns, report)
        shard.save(self.out / SHARDS / video.name)
        return shard

    def _drawing(
        self, video: VideoFile, reader: VideoReader
    ) -> AbstractContextManager[Draw | None]:
        """Return ``annotated_video``, or None in a context."""
        if not self.save_video:
            return nullcontext()
        return annotated_video(
            self.out / ANNOTATED / f'{video.name}.mp4', reader
        )

    def _crop(
        self,
        reader: VideoReader,
        crops: CropFolders,
        draw: Draw | None,
        on_frame: Callable,
    ) -> tuple[list[_Row], Counter[str]]:
        """Write crops; return their rows and counts of dropped boxes."""
        settings = self.settings
        rows: list[_Row] = []
        dropped: Counter[str] = Counter()
        # closed before the reader, also on errors and signals
        with closing(detect_frames(reader, self.detector)) as frames:
            for frame, image, found in frames:
                height, width = image.shape[:2]
                # trackers see all frames, crops are taken from every n-th
                tracks = self.tracker.update(found)
                for number, track in enumerate(tracks.tolist()):
                    box = found.boxes[number]
                    x1, y1, x2, y2 = crop_window(
                        box, width, height, settings.padding
                    )
                    # each box is counted once, with the first reason
                    if track == NO_TRACK:
                        dropped['no_track'] += 1
                    elif frame % settings.stride:
                        dropped['stride'] += 1
                    elif box[3] - box[1] < settings.min_height:
                        dropped['min_height'] += 1
                    elif x2 <= x1 or y2 <= y1:
                        dropped['outside_frame'] += 1
                    else:
                        name = f'{track:06d}_{frame:07d}_{number:02d}.jpg'
                        crops.add(name, image[y1:y2, x1:x2])
                        score = found.scores[number]
                        rows.append((track, frame, name, box, score))
                if draw is not None:
                    kept = tracks != NO_TRACK
                    draw(frame, image, found.boxes[kept], tracks[kept])
                on_frame()
        return rows, dropped


def _with_class(config: dict[str, Any], registry: Registry) -> dict[str, Any]:
    """Replace a registered name by its class.

    A new process does not know what a user's own modules registered, but
    imports a class from where it is defined.
    """
    kind = config['type']
    if isinstance(kind, str):
        kind = registry.get(kind) or kind
    return {**config, 'type': kind}


def _make_columns(
    rows: list[_Row], clips: list[str], num_frames: int, min_length: int
) -> dict[str, np.ndarray]:
    """Assign clips, drop short tracklets and sort the rows."""
    tracks, frames, names, boxes, scores = (
        zip(*rows, strict=True) if rows else ((),) * 5
    )
    track = np.asarray(tracks, np.int64)
    frame = np.asarray(frames, np.int64)
    clip = frame * len(clips) // max(num_frames, 1)  # equal pieces
    paths = [f'{clips[c]}/{name}' for c, name in zip(clip, names, strict=True)]
    corners = np.asarray(boxes, np.float32).reshape(-1, 4)  # also of none
    columns = {
        'clip': clip,
        'tracklet_id': track,
        'frame': frame,
        'path': np.char.encode(np.asarray(paths, str), 'utf-8'),
        'box': np.hstack((corners[:, :2], corners[:, 2:] - corners[:, :2])),
        'score': np.asarray(scores, np.float32),
    }
    # a track that crosses a cut is one tracklet in each clip
    _, tracklet, lengths = np.unique(
        np.stack((clip, track), axis=1),
        axis=0,
        return_inverse=True,
        return_counts=True,
    )
    kept = np.flatnonzero(lengths[tracklet.reshape(-1)] >= min_length)
    kept = kept[np.lexsort((frame[kept], track[kept], clip[kept]))]
    return {name: column[kept] for name, column in columns.items()}
