"""Run videos one after the other, or several at a time in processes."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import cv2
from mmengine.registry import Registry

from mmcion.registry import DETECTORS, TRACKERS

from .crops import CropSettings
from .video_files import VideoFile
from .video_pass import VideoPass
from .video_shard import VideoShard

_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Failure:
    """A video that gave nothing, and why."""

    video: VideoFile
    reason: str

    def report(self) -> dict[str, Any]:
        """Return the video's entry for ``videos.json``."""
        return {
            'name': self.video.name,
            'source': str(self.video.path),
            'error': self.reason,
        }


Task = tuple[VideoFile, str]
Parts = tuple[dict[str, Any], dict[str, Any], CropSettings]
Result = tuple[VideoFile, 'VideoShard | Failure']


def run_videos(
    tasks: list[Task],
    parts: Parts,
    out: Path,
    workers: int,
    advance: Callable[[int], Any],
) -> Iterator[Result]:
    """Yield each video with its shard, which is saved, or its failure.

    Args:
        tasks: videos with the keys of their shards.
        parts: configurations of detector and tracker, and the settings.
        out: folder of the whole run.
        workers: number of processes; with 1 it runs in this one.
        advance: told the number of frames that were read since last time.
    """
    workers = min(workers, len(tasks))
    if workers == 1:
        worker = _Worker(*parts, out)
        for task in tasks:
            yield task[0], worker.run(task, lambda: advance(1))
    else:
        detector, tracker, settings = parts
        detector = _with_class(detector, DETECTORS)
        tracker = _with_class(tracker, TRACKERS)
        parts = (detector, tracker, settings)
        yield from _run_processes(tasks, (*parts, out), workers, advance)


def _with_class(cfg: dict[str, Any], registry: Registry) -> dict[str, Any]:
    """Replace the name by the class.

    A new process knows nothing of what a user's own modules registered; a
    class it imports from where it was defined.
    """
    kind = cfg['type']
    return {**cfg, 'type': registry.get(kind) or kind}


class _Worker:
    """Keeps a detector and a tracker for many videos."""

    def __init__(
        self,
        detector: dict[str, Any],
        tracker: dict[str, Any],
        settings: CropSettings,
        out: Path,
    ) -> None:
        self.detector = DETECTORS.build(detector)
        self.tracker = TRACKERS.build(tracker)
        self.settings = settings
        self.out = out

    def run(
        self, task: Task, on_frame: Callable[[], None]
    ) -> VideoShard | Failure:
        video, key = task
        folder = self.out / 'videos' / video.name
        VideoShard.remove(folder, self.out)
        try:
            one = VideoPass(
                video, self.out, self.detector, self.tracker, self.settings
            )
            shard = one.run(key, on_frame)
        except ValueError as error:
            return Failure(video, str(error))
        shard.save(folder)
        return shard


def _run_processes(
    tasks: list[Task],
    parts: tuple[Any, ...],
    workers: int,
    advance: Callable[[int], Any],
) -> Iterator[Result]:
    context = multiprocessing.get_context('spawn')
    frames = context.Value('q', 0)
    seen = 0
    with ProcessPoolExecutor(
        workers, context, _start_process, (frames, parts)
    ) as pool:
        running: dict[Future[VideoShard | Failure], VideoFile] = {
            pool.submit(_run_in_process, task): task[0] for task in tasks
        }
        try:
            while running:
                done, _ = wait(running, _POLL_SECONDS, FIRST_COMPLETED)
                now = frames.value
                advance(now - seen)
                seen = now
                for future in done:
                    yield running.pop(future), future.result()
        except BrokenProcessPool as error:
            raise ChildProcessError(
                'a process died, perhaps for want of memory; run again with '
                'fewer workers to go on from here'
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_state: dict[str, Any] = {}


def _start_process(frames: Synchronized[int], parts: tuple[Any, ...]) -> None:
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _state['frames'] = frames
    _state['worker'] = _Worker(*parts)


def _end_with_parent() -> None:
    """Let no process go on writing when the run was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_in_process(task: Task) -> VideoShard | Failure:
    frames: Synchronized[int] = _state['frames']

    def on_frame() -> None:
        with frames.get_lock():
            frames.value += 1

    return _state['worker'].run(task, on_frame)
