"""BaseDetector: the interface of all detectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmcion.utils.skip_report import SkipReport

from ..detections import Detections


class BaseDetector(ABC):
    """Finds people in the frames of a video.

    One detector is used for many videos, one after the other. Register your
    own in ``DETECTORS`` and name it in a config of ``configs/tracklets``.

    Attributes:
        thread_safe: Whether several threads may call ``detect_batch`` at the
            same time, each with other frames. If not, the frames come in
            their order.
        batch_size: Number of frames that ``detect_batch`` is given at once;
            fewer at the end of a video.
    """

    thread_safe = False
    batch_size = 1

    def load(self) -> None:  # noqa: B027
        """Load the model, once and before the first video is opened."""

    def check_videos(self, videos: Sequence[Path]) -> None:  # noqa: B027
        """Raise UserError if the detector cannot be used for all videos."""

    def input_files(self, video: Path) -> list[Path]:
        """Return further files that the boxes of ``video`` depend on."""
        return []

    def open_video(self, video: Path) -> None:  # noqa: B027
        """Prepare for the frames of ``video``."""

    def left_out(self, num_frames: int) -> SkipReport:
        """Return which boxes of the video ``detect`` has never returned.

        Args:
            num_frames: Number of frames of the video, known at its end.
        """
        return SkipReport('')

    @abstractmethod
    def detect(self, image: np.ndarray, frame: int) -> Detections:
        """Return the boxes of people in one frame.

        Args:
            image: ``(H, W, 3)`` uint8, BGR.
            frame: Index of the frame in its video.
        """

    def detect_batch(
        self, images: Sequence[np.ndarray], frames: Sequence[int]
    ) -> list[Detections]:
        """Return the boxes of people in each of several frames."""
        return [
            self.detect(image, frame)
            for image, frame in zip(images, frames, strict=True)
        ]
