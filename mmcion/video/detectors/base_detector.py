"""What a detector is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..detections import Detections


class BaseDetector(ABC):
    """Finds people in the frames of a video.

    One detector serves many videos, one after the other.
    """

    def check_videos(self, videos: Sequence[Path]) -> None:  # noqa: B027
        """Raise ValueError if it cannot serve all of ``videos``."""

    def input_files(self, video: Path) -> list[Path]:
        """Return further files that the result for ``video`` depends on."""
        return []

    def open_video(self, video: Path) -> None:  # noqa: B027
        """Get ready for the frames of ``video``."""

    @abstractmethod
    def detect(self, image: np.ndarray, frame: int) -> Detections:
        """Find the people of one frame.

        Args:
            image: ``(H, W, 3)`` uint8, BGR.
            frame: number of the frame in its video, from 0.
        """


def check_score_threshold(score_thr: float) -> float:
    """Return ``score_thr``.

    Raises:
        ValueError: unless it lies in [0, 1].
    """
    if not 0 <= score_thr <= 1:
        raise ValueError(f'score_thr ({score_thr}) must lie in [0, 1].')
    return score_thr
