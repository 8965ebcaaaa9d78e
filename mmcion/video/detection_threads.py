"""Detect people while the next frames are decoded and the last ones used."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np
import torch

from .detections import Detections
from .detectors import BaseDetector

_AHEAD = 2  # batches that are decoded before a thread is free for them

Frame = tuple[int, np.ndarray]  # index and image


def detect_frames(
    frames: Iterable[Frame], detector: BaseDetector
) -> Generator[tuple[int, np.ndarray, Detections], None, None]:
    """Yield each frame with its boxes, in the order of the frames.

    One thread decodes. Others detect: as many as torch uses, because
    launchers of several processes set that number, or one if the detector is
    not thread-safe. Few frames are in memory, whatever takes longest.

    Close the generator before what it reads the frames from.

    Args:
        frames: Frames of a video.
        detector: Detector that has opened the video.
    """
    threads = torch.get_num_threads() if detector.thread_safe else 1
    source = iter(frames)

    def read() -> list[Frame]:
        return list(islice(source, detector.batch_size))

    def detect(batch: Future[list[Frame]]) -> list[tuple]:
        if not (found := batch.result()):
            return []  # the video is at its end
        indices, images = zip(*found, strict=True)
        boxes = detector.detect_batch(images, indices)
        return list(zip(indices, images, boxes, strict=True))

    decoder, pool = ThreadPoolExecutor(1), ThreadPoolExecutor(threads)
    pending: deque[Future[list[tuple]]] = deque()
    try:
        while True:
            while len(pending) < threads + _AHEAD:
                pending.append(pool.submit(detect, decoder.submit(read)))
            if not (done := pending.popleft().result()):
                return
            yield from done
    finally:
        pool.shutdown(cancel_futures=True)
        decoder.shutdown()
