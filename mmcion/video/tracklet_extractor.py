"""TrackletExtractor: videos in, a TrackletTable and its crops out."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmengine.dist import (
    all_gather_object,
    get_dist_info,
    is_main_process,
)
from mmengine.logging import print_log

from mmcion.registry import DETECTORS, TRACKERS
from mmcion.structures import TrackletTable
from mmcion.utils.checks import UserError, check_at_least, join_names
from mmcion.utils.io import hash_file, write_json
from mmcion.utils.paths import printable
from mmcion.utils.progress import progress_bar
from mmcion.utils.result_folder import ResultFolder, State, on_main

from .annotated_video import import_packages
from .box_rows import TWICE
from .crops import CropSettings
from .detectors import BaseDetector
from .video_extractor import VideoExtractor
from .video_files import VideoFile, find_videos
from .video_reader import VideoReader
from .video_shard import SHARDS, VideoShard, join_shards
from .video_workers import extract_videos

_FORMAT = 1  # raise it when results of older code must not be resumed


class TrackletExtractor:
    """Detects and tracks people in videos and crops them.

    It writes below ``out``: ``crops/<video>/<track>_<frame>_<number>.jpg``,
    ``table`` (a ``TrackletTable``), ``videos.json`` (what each video
    contains) and ``videos/<video>`` (a shard per finished video, from which
    a stopped run resumes), with ``save_video`` also ``annotated/<video>.mp4``.
    What is there already is treated as ``ResultFolder`` says.

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
        save_video: bool = False,
        overwrite: bool = False,
    ) -> TrackletTable:
        """Extract the tracklets of all videos.

        A video that cannot be read is reported and left out. Several ranks
        share the videos; the result is the same for any number of them.

        Args:
            sources: Videos and folders of videos.
            out: Folder to write to.
            workers: Number of processes of each rank.
            save_video: Whether to write each video with its tracks drawn.
            overwrite: Whether to replace tracklets that are there.

        Raises:
            FileNotFoundError: If a source does not exist.
            UserError: If no video is found, none can be read, or ``out``
                holds other results.
        """
        check_at_least(1, workers=workers)
        videos = find_videos(sources)
        detector = DETECTORS.build(self.detector)
        detector.check_videos([video.path for video in videos])
        results = ResultFolder(
            out,
            'tracklets',
            settings={
                'format': _FORMAT,
                'detector': self.detector,
                'tracker': self.tracker,
                **asdict(self.settings),
                **({'save_video': True} if save_video else {}),
            },
            inputs=_fingerprints(videos, detector),
            overwrite=overwrite,
        )
        if overwrite or results.state(out) is not State.COMPLETE:
            # here too, so that mistakes and missing files show at once
            TRACKERS.build(self.tracker)
            detector.load()
            if save_video:
                import_packages()
        if overwrite:  # read everything before anything is replaced
            _, errors = _open(videos, detector)
            _check_any_readable(videos, errors)
            for video, error in errors.items():
                if (Path(out) / SHARDS / video.name).exists():
                    raise UserError(
                        f'nothing in {out} was replaced, as {video.name} '
                        f'cannot be read now: {error}'
                    ) from error
        with results:
            if results.is_complete:
                print_log(
                    f'{printable(out)}: tracklets are there already',
                    logger='current',
                )
            else:
                extractor = VideoExtractor(
                    self.detector,
                    self.tracker,
                    self.settings,
                    results.path,
                    save_video,
                )
                self._extract(videos, detector, extractor, workers)
                results.finish()
        return TrackletTable.load(Path(out) / 'table')

    def _extract(
        self,
        videos: list[VideoFile],
        detector: BaseDetector,
        extractor: VideoExtractor,
        workers: int,
    ) -> None:
        """Extract the videos that have no shard yet; write the table.

        Each rank extracts some of them, and rank 0 writes the table.
        """
        out = extractor.out
        # decided once: while ranks start, others may finish videos already
        todo = on_main(
            lambda: [v for v in videos if self._load_shard(v, out) is None]
        )
        # large ones first, so that processes and ranks end at about one time
        todo.sort(key=lambda video: video.path.stat().st_size, reverse=True)
        rank, world_size = get_dist_info()
        mine = todo[rank::world_size]
        num_frames, errors = _open(mine, detector)
        for video, error in errors.items():
            _warn(f'Left out {video.name}: {error}')
        print_log(
            f'{len(todo)} of {len(videos)} videos are to do',
            logger='current',
        )
        with (
            progress_bar(
                total=num_frames, unit='frame', disable=not is_main_process()
            ) as bar,
            # closed at once on errors and signals, which ends the workers
            closing(
                extract_videos(
                    extractor,
                    [video for video in mine if video not in errors],
                    workers=workers,
                    advance=bar.update,
                )
            ) as outcomes,
        ):
            for video, outcome in outcomes:
                if isinstance(outcome, VideoShard):
                    _warn_of_boxes(outcome.report)
                else:
                    errors[video] = outcome
                    _warn(f'Left out {video.name}: {outcome}')
        for part in all_gather_object(errors):
            errors |= part
        _check_any_readable(videos, errors)
        if is_main_process():
            self._write_table(videos, errors, out)

    def _load_shard(self, video: VideoFile, out: Path) -> VideoShard | None:
        clips = video.clip_names(self.settings.clips)
        return VideoShard.load(out / SHARDS / video.name, clips)

    def _write_table(
        self,
        videos: list[VideoFile],
        errors: dict[VideoFile, Exception],
        out: Path,
    ) -> None:
        """Join all shards to a table; write ``videos.json``, too."""
        shards: list[VideoShard] = []
        reports: list[dict[str, Any]] = []
        # in the order of the names, whichever video was finished first
        for video in videos:
            if video in errors:
                source, error = str(video.path), str(errors[video])
                reports.append(
                    {'name': video.name, 'source': source, 'error': error}
                )
                continue
            shard = self._load_shard(video, out)
            assert shard is not None, f'no shard of {video.name}; run again'
            shards.append(shard)
            reports.append(shard.report)
        write_json(out / 'videos.json', reports)
        table = join_shards(shards, out)
        table.save(out / 'table')
        early = sum(item.get('early_end', False) for item in reports)
        empty = sum(item.get('images') == 0 for item in reports)
        broken = sum(item.get('broken_frames', 0) for item in reports)
        print_log(
            f'{len(table)} images of {table.num_tracklets} tracklets from '
            f'{len(table.videos)} videos; {len(errors)} videos failed, '
            f'{early} end before their header states, {empty} have no '
            f'tracklet, {broken} frames are broken; see videos.json',
            logger='current',
        )


def _fingerprints(
    videos: list[VideoFile], detector: BaseDetector
) -> dict[str, str]:
    """Return what stands for the content of the videos and their boxes."""
    hash_once = functools.cache(hash_file)  # one weight file, many videos
    found = {}
    for video in videos:
        with suppress(OSError):  # an error of this video only, see _open
            # size and time stand for the content: hashing takes minutes
            stat = video.path.stat()
            found[video.name] = f'{stat.st_size} bytes at {stat.st_mtime_ns}'
            for path in detector.input_files(video.path):
                found[f'{video.name}: {path.name}'] = hash_once(path)[:16]
    return found


def _open(
    videos: list[VideoFile], detector: BaseDetector
) -> tuple[int, dict[VideoFile, Exception]]:
    """Return the frames that headers state, and errors of other videos."""
    num_frames = 0
    errors: dict[VideoFile, Exception] = {}
    for video in videos:
        try:
            detector.open_video(video.path)  # reads its box file
            with VideoReader(video.path) as reader:
                num_frames += reader.header_frames
        except (OSError, UserError) as error:
            errors[video] = error
    return num_frames, errors


def _check_any_readable(
    videos: list[VideoFile], errors: dict[VideoFile, Exception]
) -> None:
    if len(errors) == len(videos):
        reasons = join_names(errors.values())
        raise UserError(f'none of {len(videos)} videos can be read: {reasons}')


def _warn_of_boxes(report: dict[str, Any]) -> None:
    """Warn if a video has boxes but no image, or ids that are not unique."""
    name, dropped = report['name'], report['dropped']
    if report['detections'] and not report['images']:
        counts = ', '.join(f'{n:,} {why}' for why, n in dropped.items() if n)
        _warn(f'{name}: no image of {report["detections"]:,} boxes: {counts}')
    elif TWICE in dropped:
        where = report['examples'][TWICE][0]
        _warn(f'{name}: left out {dropped[TWICE]:,}: {TWICE} ({where})')


def _warn(message: str) -> None:
    # loggers of other ranks show nothing below errors; None prints
    logger = 'current' if is_main_process() else None
    print_log(printable(message), logger, logging.WARNING)
