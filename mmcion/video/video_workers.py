"""Extract videos one after the other, or several at a time in processes."""

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
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import cv2
from mmengine.registry import Registry

from mmcion.registry import DETECTORS, TRACKERS
from mmcion.utils.checks import UserError

from .crops import CropSettings
from .video_extractor import VideoExtractor
from .video_files import VideoFile
from .video_shard import VideoShard

_POLL_SECONDS = 0.5

Task = tuple[VideoFile, str]  # a video and the key of its shard
Outcome = VideoShard | UserError


def extract_videos(
    tasks: list[Task],
    detector: dict[str, Any],
    tracker: dict[str, Any],
    settings: CropSettings,
    out: Path,
    *,
    workers: int,
    advance: Callable[[int], Any],
) -> Iterator[tuple[VideoFile, Outcome]]:
    """Yield each video with its shard, which is saved, or its error.

    Args:
        tasks: Videos with the keys of their shards.
        detector: Config of the detector.
        tracker: Config of the tracker.
        settings: Which crops are kept.
        out: Folder of the whole run.
        workers: Number of processes; with 1 all work is done in this one.
        advance: Called with the number of frames read since the last call.
    """
    workers = min(workers, len(tasks))
    if workers == 1:
        extractor = VideoExtractor(detector, tracker, settings, out)
        for task in tasks:
            yield task[0], _extract(extractor, task, lambda: advance(1))
        return
    detector = _with_class(detector, DETECTORS)
    tracker = _with_class(tracker, TRACKERS)
    # processes are spawned: forking one that has used OpenCV can deadlock
    context = multiprocessing.get_context('spawn')
    num_frames = context.Value('q', 0)
    parts = (detector, tracker, settings, out)
    seen = 0
    with ProcessPoolExecutor(
        workers, context, _start_process, (num_frames, *parts)
    ) as pool:
        running: dict[Future[Outcome], VideoFile] = {
            pool.submit(_extract_in_process, task): task[0] for task in tasks
        }
        try:
            # frames are counted by the processes, videos come when finished
            while running:
                done, _ = wait(running, _POLL_SECONDS, FIRST_COMPLETED)
                now = num_frames.value
                advance(now - seen)
                seen = now
                for future in done:
                    yield running.pop(future), future.result()
        except BrokenProcessPool as error:
            raise ChildProcessError(
                'a worker process died, perhaps out of memory; the same '
                'command with fewer workers continues from here.'
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _extract(
    extractor: VideoExtractor, task: Task, on_frame: Callable[[], Any]
) -> Outcome:
    try:
        return extractor.extract(*task, on_frame)
    except UserError as error:
        return error


def _with_class(cfg: dict[str, Any], registry: Registry) -> dict[str, Any]:
    """Replace the registered name by the class.

    A spawned process does not know what a user's own modules registered, but
    imports a class from where it is defined.
    """
    kind = cfg['type']
    return {**cfg, 'type': registry.get(kind) or kind}


_state: dict[str, Any] = {}  # of a worker process


def _start_process(num_frames: Synchronized[int], *parts: Any) -> None:
    cv2.setNumThreads(1)  # the processes share the cores already
    parent = multiprocessing.parent_process()
    assert parent is not None

    def exit_with_parent() -> None:
        """Keep this process from writing after the run was killed."""
        parent.join()
        os._exit(1)

    threading.Thread(target=exit_with_parent, daemon=True).start()
    _state['num_frames'] = num_frames
    _state['extractor'] = VideoExtractor(*parts)


def _extract_in_process(task: Task) -> Outcome:
    num_frames: Synchronized[int] = _state['num_frames']

    def on_frame() -> None:
        with num_frames.get_lock():
            num_frames.value += 1

    return _extract(_state['extractor'], task, on_frame)
