"""TrackletExtractor: videos in, a TrackletTable and its crops out."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from mmcion.registry import DETECTORS
from mmcion.structures import TrackletTable
from mmcion.utils.io import hash_value, write_json
from mmcion.utils.progress import progress_bar

from .detectors import BaseDetector
from .video_files import VideoFile, find_videos
from .video_pass import CropSettings
from .video_reader import VideoReader
from .video_shard import VideoShard, join_shards
from .video_workers import Failure, run_videos

_FORMAT = 1  # raise it when shards of older code must not be used


class TrackletExtractor:
    """Finds and tracks people in videos and cuts them out.

    It writes below ``out``: ``crops/<video>/<track>_<frame>_<number>.jpg``,
    ``table`` (a ``TrackletTable``), ``videos.json`` (what was met in each
    video) and ``videos/<video>`` (the finished videos, which a rerun with
    the same settings takes as they are).

    With ``clips`` > 1, tracking runs over the whole video, and a track that
    runs across a cut becomes one tracklet in each clip, with the *same*
    ``tracklet_id``: the tracker's number in the source video. It is unique
    only within a video of the table, and tells an evaluation which tracklets
    of two clips are one person, without looking at anyone.

    Args:
        detector: configuration of a member of ``DETECTORS``.
        tracker: configuration of a member of ``TRACKERS``.
        settings: fields of ``CropSettings``.
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

        Args:
            sources: videos and folders of videos.
            out: folder to write to.
            workers: number of processes.

        Raises:
            FileNotFoundError: if a source does not exist.
            ValueError: if no video was found, or none could be read.
        """
        if workers < 1:
            raise ValueError(f'workers ({workers}) must be >= 1.')
        out = Path(out)
        videos = find_videos(sources)
        shards, failures = self._finish_all(videos, out, workers)
        reports = [shard.report for shard in shards.values()]
        reports += [failure.report() for failure in failures.values()]
        reports.sort(key=lambda report: report['name'])
        write_json(out / 'videos.json', reports)
        if not shards:
            reasons = '\n  '.join(f.reason for f in failures.values())
            raise ValueError(
                f'none of {len(videos)} videos could be read:\n  {reasons}'
            )
        ordered = [shards[v.name] for v in videos if v.name in shards]
        table = join_shards(ordered, out)
        table.save(out / 'table')
        _log_totals(table, reports)
        return table

    def _finish_all(
        self, videos: list[VideoFile], out: Path, workers: int
    ) -> tuple[dict[str, VideoShard], dict[str, Failure]]:
        # Built once here, so that mistakes and missing files show at once.
        detector = DETECTORS.build(self.detector)
        shards: dict[str, VideoShard] = {}
        failures: dict[str, Failure] = {}
        pending: list[tuple[VideoFile, str]] = []
        num_frames = 0
        for video in videos:
            try:
                key = self._key(video, detector)
                done = VideoShard.load(out / 'videos' / video.name)
                if done is not None and done.key == key:
                    shards[video.name] = done
                    continue
                with VideoReader(video.path) as reader:
                    num_frames += len(reader)
            except (OSError, ValueError) as error:
                failures[video.name] = _failure(video, error)
                continue
            pending.append((video, key))
        print_log(
            f'{len(shards)} videos are done already, {len(pending)} to do, '
            f'{len(failures)} cannot be used',
            logger='current',
        )
        if not pending:
            return shards, failures
        del detector
        # It lists crops that are about to be replaced.
        shutil.rmtree(out / 'table', ignore_errors=True)
        with progress_bar(total=num_frames, unit='frame') as bar:
            for video, result in run_videos(
                pending, self, out, workers, bar.update
            ):
                if isinstance(result, Failure):
                    failures[video.name] = _warned(result)
                else:
                    shards[video.name] = result
        return shards, failures

    def _key(self, video: VideoFile, detector: BaseDetector) -> str:
        files = [video.path, *detector.input_files(video.path)]
        stats = [path.stat() for path in files]
        return hash_value(
            {
                'format': _FORMAT,
                'detector': self.detector,
                'tracker': self.tracker,
                'settings': self.settings.as_dict(),
                'files': [(stat.st_size, stat.st_mtime_ns) for stat in stats],
            }
        )


def _failure(video: VideoFile, error: Exception) -> Failure:
    return _warned(Failure(video, str(error)))


def _warned(failure: Failure) -> Failure:
    print_log(
        f'Left out {failure.video.name}: {failure.reason}',
        logger='current',
        level=30,
    )
    return failure


def _log_totals(table: TrackletTable, reports: list[dict[str, Any]]) -> None:
    failed = sum('error' in report for report in reports)
    empty = sum(report.get('images') == 0 for report in reports)
    broken = sum(report.get('broken_frames', 0) for report in reports)
    print_log(
        f'{len(table)} images of {table.num_tracklets} tracklets from '
        f'{len(table.videos)} videos; {failed} sources failed, {empty} show '
        f'nobody, {broken} frames were broken',
        logger='current',
    )
