"""Extract videos one after the other, or several at a time in processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from typing import Any

import cv2
import torch

from mmcion.utils.checks import UserError, join_names

from .video_extractor import VideoExtractor
from .video_files import VideoFile
from .video_shard import VideoShard

_POLL_SECONDS = 0.5

Outcome = VideoShard | UserError


def extract_videos(
    extractor: VideoExtractor,
    videos: list[VideoFile],
    *,
    workers: int,
    advance: Callable[[int], Any],
) -> Generator[tuple[VideoFile, Outcome], None, None]:
    """Yield each video with its shard, which is saved, or its error.

    With one worker all work is done in this process. Otherwise the processes
    share the threads of torch, which are as many as there are cores unless a
    launcher or ``OMP_NUM_THREADS`` says less. ``advance`` is called with the
    number of frames read since the last call.
    """
    workers = min(workers, len(videos))
    if workers <= 1:
        for video in videos:
            yield video, _extract(extractor, video, lambda: advance(1))
        return
    # processes are spawned: forking one that has used OpenCV can deadlock
    context = multiprocessing.get_context('spawn')
    num_frames = context.Value('q', 0)
    # closed by this process or with it, however it ends: workers end then
    still_open, run = context.Pipe(duplex=False)
    seen = 0
    threads = max(1, torch.get_num_threads() // workers)
    state = num_frames, extractor, still_open, threads
    with ProcessPoolExecutor(workers, context, _start_process, state) as pool:
        try:
            running = {
                pool.submit(_extract_in_process, video): video
                for video in videos
            }
            # frames are counted by the processes, videos come when finished
            while running:
                done, _ = wait(running, _POLL_SECONDS, FIRST_COMPLETED)
                now = num_frames.value
                advance(now - seen)
                seen = now
                for future in done:
                    outcome = future.result()
                    yield running.pop(future), outcome
        except BrokenProcessPool as error:
            # videos are started in their order
            names = [video.name for video in running.values()][:workers]
            raise ChildProcessError(
                f'a worker process died: it ran out of memory, or one of '
                f'{join_names(names)} crashed it. Use fewer workers, or leave '
                f'that video out.'
            ) from error
        except BaseException:
            # Ctrl-C, a signal or a full disk: do not wait for whole videos
            run.close()
            pool.shutdown(cancel_futures=True)
            raise


def _extract(
    extractor: VideoExtractor, video: VideoFile, on_frame: Callable[[], Any]
) -> Outcome:
    try:
        return extractor.extract(video, on_frame)
    except UserError as error:
        return error


_state: dict[str, Any] = {}  # of a worker process


def _start_process(
    num_frames: Synchronized[int],
    extractor: VideoExtractor,
    still_open: Connection,
    threads: int,
) -> None:
    # the run itself reacts to Ctrl-C, and ends its workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    if torch.cuda.is_available():  # the device of the rank
        torch.cuda.set_device(int(os.environ.get('LOCAL_RANK', '0')))

    def exit_with_run() -> None:
        """Keep this process from writing after the run was stopped."""
        still_open.poll(None)  # until the other end is closed
        os._exit(1)

    threading.Thread(target=exit_with_run, daemon=True).start()
    _state.update(num_frames=num_frames, extractor=extractor)


def _extract_in_process(video: VideoFile) -> Outcome:
    num_frames: Synchronized[int] = _state['num_frames']

    def on_frame() -> None:
        with num_frames.get_lock():
            num_frames.value += 1

    return _extract(_state['extractor'], video, on_frame)
