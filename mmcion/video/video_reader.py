"""VideoReader: the frames of a video, and what is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmcion.utils.checks import UserError, check_file
from mmcion.utils.paths import utf8_path

_PLAUSIBLE_FPS = (0.1, 240.0)
_FALLBACK_FPS = 25.0
_PATIENCE = 250  # broken frames in a row after which a video is at its end
# A step between time stamps is uneven if it differs from the median by this
# fraction. More than one uneven step in a hundred is a variable frame rate.
_STEP_TOLERANCE = 0.25
_UNEVEN_FRACTION = 0.01


class VideoReader:
    """Iterates ``(frame index, BGR image)`` over a video.

    A frame that cannot be decoded is skipped and counted, and keeps its
    index, unless the decoder itself leaves it out; such frames are counted
    by comparing the header with the time stamps.

    Args:
        path: File that OpenCV can decode.

    Raises:
        FileNotFoundError: If the file does not exist.
        UserError: If it cannot be decoded as a video.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = check_video(path)
        self._capture = cv2.VideoCapture(utf8_path(self.path))
        if not self._capture.isOpened():
            raise UserError(f'{self.path} is damaged or no video.')
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        known = math.isfinite(count) and count > 0
        self.header_frames = int(count) if known else 0  # 0 if not stated
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        low, high = _PLAUSIBLE_FPS
        self.fps = float(fps) if low <= fps <= high else _FALLBACK_FPS
        self.num_read = 0
        self.num_broken = 0
        self.num_frames = 0  # up to now, broken ones included
        self._times: list[tuple[int, float]] = []  # frame index, seconds

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        while True:
            # OpenCV reports a broken frame like the end of the video: try
            # again for as long as the header promises more frames.
            promised = max(self.header_frames - self.num_frames, 0)
            skipped = 0
            while not self._capture.grab():
                if skipped == min(promised, _PATIENCE):
                    return
                skipped += 1
            self.num_broken += skipped
            index = self.num_frames + skipped
            self.num_frames = index + 1
            seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            self._times.append((index, seconds))
            good, image = self._capture.retrieve()
            if good and image is not None:
                self.num_read += 1
                yield index, image
            else:
                self.num_broken += 1

    def report(self) -> dict[str, Any]:
        """Return counts and defects, after iterating to the end."""
        # If the last time stamp is where the header expects it, the decoder
        # has left out the missing frames inside of the video.
        missing = max(self.header_frames - self.num_frames, 0)
        early = missing > 0
        if missing and self._times:
            seconds = self._times[-1][1] - self._times[0][1]
            behind = (self.header_frames - 1) / self.fps - seconds
            early = behind > 1.5 / self.fps
        uneven = np.zeros(1)
        if len(self._times) > 2:
            frames, times = np.array(self._times).T  # (n, 2) -> 2 x (n,)
            steps = np.diff(times) / np.diff(frames)
            usual = np.median(steps)
            uneven = np.abs(steps - usual) > _STEP_TOLERANCE * usual
        return {
            'fps': self.fps,
            'width': self.width,
            'height': self.height,
            'frames_in_header': self.header_frames,
            'frames_read': self.num_read,
            'broken_frames': self.num_broken + (0 if early else missing),
            'early_end': early,
            'variable_frame_rate': bool(uneven.mean() > _UNEVEN_FRACTION),
        }


def check_video(path: str | Path) -> Path:
    """Return the path of an existing file; see ``check_file``."""
    hint = f'Save it as a file: ffmpeg -i {path} -t 600 -c copy video.mkv'
    return check_file(path, 'video', hint if ':/' in str(path) else '')
