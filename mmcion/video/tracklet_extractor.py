"""TrackletExtractor: videos in, a TrackletTable and its crops out."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from mmcion.registry import DETECTORS, TRACKERS
from mmcion.structures import TrackletTable
from mmcion.utils.checks import UserError, check_at_least, join_names
from mmcion.utils.io import hash_value, write_json
from mmcion.utils.progress import progress_bar

from .crops import CropSettings
from .detectors import BaseDetector
from .video_extractor import VideoExtractor
from .video_files import VideoFile, find_videos
from .video_reader import VideoReader
from .video_shard import VideoShard, join_shards
from .video_workers import Task, extract_videos

_FORMAT = 1  # raise it when shards of older code must not be used


class TrackletExtractor:
    """Detects and tracks people in videos and crops them.

    It writes below ``out``: ``crops/<video>/<track>_<frame>_<number>.jpg``,
    ``table`` (a ``TrackletTable``), ``videos.json`` (what each video
    contains) and ``videos/<video>`` (a shard per finished video, which a
    second run with the same settings takes as it is).

    With ``clips`` > 1, tracking runs over the whole video, and a track that
    crosses a cut becomes one tracklet in each clip, with the *same*
    ``tracklet_id``: the tracker's number in the source video. It is unique
    only within a video of the table. An evaluation uses it to know which
    tracklets of two clips are one person, without relying on appearance.

    Args:
        detector: Config of a detector.
        tracker: Config of a tracker.
        settings: Fields of ``CropSettings``.
    """

    def __init__(
        self,
        detector: dict[str, Any],
        tracker: dict[str, Any],
        **settings: Any,
    ) -> None:
        self.detector = dict(detector)
        self.tracker = dict(tracker)
        self.settings = CropSettings(**settings)

    def run(
        self,
        sources: Sequence[str | Path],
        out: str | Path,
        *,
        workers: int = 1,
    ) -> TrackletTable:
        """Extract the tracklets of all videos.

        A video that cannot be read is reported and left out.

        Args:
            sources: Videos and folders of videos.
            out: Folder to write to.
            workers: Number of processes.

        Raises:
            FileNotFoundError: if a source does not exist.
            UserError: if no video is found, or none can be read.
        """
        check_at_least(1, workers=workers)
        out = Path(out)
        videos = find_videos(sources)
        # built here too, so that mistakes and missing files show at once
        TRACKERS.build(self.tracker)
        detector = DETECTORS.build(self.detector)
        detector.check_videos([video.path for video in videos])
        shards: dict[VideoFile, VideoShard] = {}
        errors: dict[VideoFile, Exception] = {}

        def leave_out(video: VideoFile, error: Exception) -> None:
            errors[video] = error
            _warn(f'Left out {video.name}: {error}')

        # finished videos, videos to do, and those that cannot be read
        tasks: list[Task] = []
        num_frames = 0  # to do, as far as headers state it
        for video in videos:
            try:
                key = self._key(video, detector)
                folder = out / 'videos' / video.name
                shard = VideoShard.load_finished(folder, key)
                if shard is not None:
                    shards[video] = shard
                    continue
                with VideoReader(video.path) as reader:
                    num_frames += len(reader)
                tasks.append((video, key))
            except (OSError, UserError) as error:
                leave_out(video, error)
        print_log(
            f'{len(shards)} videos are finished, {len(tasks)} to do, '
            f'{len(errors)} cannot be read',
            logger='current',
        )
        if tasks:
            # the old table lists crops that are about to be replaced
            shutil.rmtree(out / 'table', ignore_errors=True)
            with progress_bar(total=num_frames, unit='frame') as bar:
                extractor = VideoExtractor(
                    self.detector, self.tracker, self.settings, out
                )
                for video, outcome in extract_videos(
                    extractor, tasks, workers=workers, advance=bar.update
                ):
                    if isinstance(outcome, VideoShard):
                        shards[video] = outcome
                    else:
                        leave_out(video, outcome)
        return _write(videos, shards, errors, out)

    def _key(self, video: VideoFile, detector: BaseDetector) -> str:
        # size and time stand for the content: hashing videos takes minutes
        files = [video.path, *detector.input_files(video.path)]
        stats = [path.stat() for path in files]
        return hash_value(
            {
                'format': _FORMAT,
                'detector': self.detector,
                'tracker': self.tracker,
                'settings': asdict(self.settings),
                'files': [(stat.st_size, stat.st_mtime_ns) for stat in stats],
            }
        )


def _write(
    videos: list[VideoFile],
    shards: dict[VideoFile, VideoShard],
    errors: dict[VideoFile, Exception],
    out: Path,
) -> TrackletTable:
    """Write ``videos.json`` and the table; log what they contain."""
    reports: list[dict[str, Any]] = [
        shards[video].report
        if video in shards
        else {
            'name': video.name,
            'source': str(video.path),
            'error': str(errors[video]),
        }
        for video in videos
    ]
    write_json(out / 'videos.json', reports)
    if not shards:
        raise UserError(
            f'none of {len(videos)} videos can be read:\n  '
            + '\n  '.join(map(str, errors.values()))
        )
    table = join_shards([shards[v] for v in videos if v in shards], out)
    table.save(out / 'table')
    early = [report['name'] for report in reports if report.get('early_end')]
    if early:
        _warn(
            f'{len(early)} videos end before their header states: '
            f'{join_names(early)}; see videos.json'
        )
    empty = sum(report.get('images') == 0 for report in reports)
    broken = sum(report.get('broken_frames', 0) for report in reports)
    print_log(
        f'{len(table)} images of {table.num_tracklets} tracklets from '
        f'{len(table.videos)} videos; {len(errors)} videos failed, {empty} '
        f'have no tracklet, {broken} frames are broken',
        logger='current',
    )
    return table


def _warn(message: str) -> None:
    print_log(message, logger='current', level=logging.WARNING)
