"""VideoReader: the frames of a video, and what is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

_PLAUSIBLE_FPS = (0.1, 240.0)
_FALLBACK_FPS = 25.0
_PATIENCE = 250  # broken frames in a row after which a video is at its end
# A step differs if it is off by this share of the usual one, and a video has
# a variable frame rate if more than one step in a hundred differs.
_STEP_TOLERANCE = 0.25
_UNEVEN_SHARE = 0.01


class VideoReader:
    """Iterates ``(frame number, BGR image, seconds)`` of a video.

    Frames are numbered from 0. A frame that cannot be decoded is skipped and
    counted, and keeps its number, unless the decoder leaves it out without a
    word; such frames are only counted, by the header and the time stamps.

    Args:
        path: a file that OpenCV can decode.
        start: first frame wanted.
        stop: frame to stop before.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it is not a video that can be decoded.
    """

    def __init__(
        self, path: str | Path, *, start: int = 0, stop: int | None = None
    ) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f'there is no video {self.path}')
        if start < 0 or (stop is not None and stop < start):
            raise ValueError(
                f'start ({start}) and stop ({stop}) must fulfil '
                f'0 <= start <= stop.'
            )
        self.start, self.stop = start, stop
        self._capture = cv2.VideoCapture(str(self.path))
        if not self._capture.isOpened():
            raise ValueError(
                f'{self.path} cannot be opened as a video: it is damaged, '
                f'empty, or no video.'
            )
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.header_frames = self._header_count()
        self.fps = self._header_fps()
        self.num_read = 0
        self.num_broken = 0
        self.num_frames = 0  # up to now, broken ones included
        self._times: list[tuple[int, float]] = []

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._capture.release()

    def __len__(self) -> int:
        """Return how many frames the header promises, 0 if it does not."""
        stop = self.header_frames
        stop = stop if self.stop is None else min(stop, self.stop)
        return max(stop - self.start, 0)

    def __iter__(self) -> Iterator[tuple[int, np.ndarray, float]]:
        stop = math.inf if self.stop is None else self.stop
        while self.num_frames < stop:
            skipped = self._step()
            if skipped is None:
                return
            self.num_broken += skipped
            index = self.num_frames + skipped
            self.num_frames = index + 1
            if index >= stop:
                return
            seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            self._times.append((index, seconds))
            if index >= self.start:
                good, image = self._capture.retrieve()
                if good and image is not None:
                    self.num_read += 1
                    yield index, image, seconds
                else:
                    self.num_broken += 1

    def _step(self) -> int | None:
        """Go to the next frame that can be decoded.

        Returns:
            How many broken ones lie before it; None at the end. OpenCV
            reports both in the same way, so ask again as long as the header
            promises more.
        """
        promised = max(self.header_frames - self.num_frames, 0)
        for skipped in range(1 + min(promised, _PATIENCE)):
            if self._capture.grab():
                return skipped
        return None

    def report(self) -> dict[str, Any]:
        """Say what was read, after iterating to the end."""
        return {
            'fps': self.fps,
            'width': self.width,
            'height': self.height,
            'frames_in_header': self.header_frames,
            'frames_read': self.num_read,
            'broken_frames': self.num_broken + self._missing_inside(),
            'early_end': self._ended_early(),
            'variable_frame_rate': self._is_uneven(),
        }

    def _header_count(self) -> int:
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        return int(count) if math.isfinite(count) and count > 0 else 0

    def _header_fps(self) -> float:
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        low, high = _PLAUSIBLE_FPS
        return float(fps) if low <= fps <= high else _FALLBACK_FPS

    def _read_to_stop(self) -> bool:
        return self.stop is not None and self.num_frames >= self.stop

    def _missing(self) -> int:
        if self._read_to_stop():
            return 0
        return max(self.header_frames - self.num_frames, 0)

    def _ended_early(self) -> bool:
        """Tell whether the last frame lies before the promised end.

        The decoder leaves out frames that it cannot read without saying so.
        If the last time stamp is where it should be, they are missing
        inside, not at the end.
        """
        if not self._missing():
            return False
        if not self._times:
            return True
        seconds = self._times[-1][1] - self._times[0][1]
        behind = (self.header_frames - 1) / self.fps - seconds
        return behind > 1.5 / self.fps

    def _missing_inside(self) -> int:
        return 0 if self._ended_early() else self._missing()

    def _is_uneven(self) -> bool:
        if len(self._times) < 3:
            return False
        numbers, seconds = np.array(self._times).T
        steps = np.diff(seconds) / np.diff(numbers)
        usual = np.median(steps)
        different = np.abs(steps - usual) > _STEP_TOLERANCE * usual
        return bool(different.mean() > _UNEVEN_SHARE)
