"""TrackletExtractor: videos in, a TrackletTable and its crops out."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from mmcion.registry import DETECTORS
from mmcion.structures import TrackletTable
from mmcion.utils.io import hash_value, write_json
from mmcion.utils.progress import progress_bar

from .crops import CropSettings
from .detectors import BaseDetector
from .video_files import VideoFile, find_videos
from .video_reader import VideoReader
from .video_shard import VideoShard, join_shards
from .video_workers import Failure, Task, run_videos

_FORMAT = 1  # raise it when shards of older code must not be used


@dataclass
class _Run:
    shards: dict[str, VideoShard] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    pending: list[Task] = field(default_factory=list)
    num_frames: int = 0  # of the pending videos, as far as headers say

    def fail(self, failure: Failure) -> None:
        self.failures[failure.video.name] = failure
        print_log(
            f'Left out {failure.video.name}: {failure.reason}',
            logger='current',
            level=logging.WARNING,
        )

    def reports(self) -> list[dict[str, Any]]:
        found = [shard.report for shard in self.shards.values()]
        found += [failure.report() for failure in self.failures.values()]
        return sorted(found, key=lambda report: report['name'])


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
        run = self._survey(videos, out)
        if run.pending:
            self._work(run, out, workers)
        reports = run.reports()
        write_json(out / 'videos.json', reports)
        if not run.shards:
            reasons = [failure.reason for failure in run.failures.values()]
            raise ValueError(
                '\n  '.join(
                    [f'none of {len(videos)} videos could be read:', *reasons]
                )
            )
        names = [video.name for video in videos if video.name in run.shards]
        table = join_shards([run.shards[name] for name in names], out)
        table.save(out / 'table')
        _log_totals(table, reports)
        return table

    def _survey(self, videos: list[VideoFile], out: Path) -> _Run:
        """Find out what is done, what is to do and what cannot be used."""
        # Built here too, so that mistakes and missing files show at once.
        detector = DETECTORS.build(self.detector)
        detector.check_videos([video.path for video in videos])
        run = _Run()
        for video in videos:
            try:
                key = self._key(video, detector)
                shard = VideoShard.load(out / 'videos' / video.name)
                if shard is not None and shard.key == key:
                    run.shards[video.name] = shard
                    continue
                with VideoReader(video.path) as reader:
                    run.num_frames += len(reader)
                run.pending.append((video, key))
            except (OSError, ValueError) as error:
                run.fail(Failure(video, str(error)))
        print_log(
            f'{len(run.shards)} videos are done already, {len(run.pending)} '
            f'to do, {len(run.failures)} cannot be used',
            logger='current',
        )
        return run

    def _work(self, run: _Run, out: Path, workers: int) -> None:
        # The old table lists crops that are about to be replaced.
        shutil.rmtree(out / 'table', ignore_errors=True)
        parts = (self.detector, self.tracker, self.settings)
        with progress_bar(total=run.num_frames, unit='frame') as bar:
            for video, result in run_videos(
                run.pending, parts, out, workers, bar.update
            ):
                if isinstance(result, Failure):
                    run.fail(result)
                else:
                    run.shards[video.name] = result

    def _key(self, video: VideoFile, detector: BaseDetector) -> str:
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


def _log_totals(table: TrackletTable, reports: list[dict[str, Any]]) -> None:
    failed = sum('error' in report for report in reports)
    empty = sum(report.get('images') == 0 for report in reports)
    broken = sum(report.get('broken_frames', 0) for report in reports)
    ended = [report['name'] for report in reports if report.get('early_end')]
    if ended:
        print_log(
            f'{len(ended)} videos end before their header says, '
            f'{", ".join(ended[:5])} among them: see videos.json',
            logger='current',
            level=logging.WARNING,
        )
    print_log(
        f'{len(table)} images of {table.num_tracklets} tracklets from '
        f'{len(table.videos)} videos; {failed} sources failed, {empty} show '
        f'nobody, {broken} frames were broken',
        logger='current',
    )
