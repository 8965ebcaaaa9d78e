"""Trackers: which boxes of successive frames are one person."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from mmcion.registry import TRACKERS

from .detections import Detections

NO_TRACK = -1


class BaseTracker(ABC):
    """Gives the boxes of a video track numbers, frame by frame."""

    def reset(self, fps: float) -> None:  # noqa: B027
        """Forget everything: a new video begins.

        Args:
            fps: its frames per second.
        """

    @abstractmethod
    def update(self, detections: Detections) -> np.ndarray:
        """Take the people of the next frame.

        Call it for every frame, with no boxes too.

        Returns:
            ``(n,)`` int64 track number of each box, -1 = no track (yet).
        """


@TRACKERS.register_module()
class GivenIds(BaseTracker):
    """Keeps the numbers that came with the boxes.

    Args:
        otherwise: config of a tracker for boxes that carry none.
    """

    def __init__(self, otherwise: dict[str, Any] | None = None) -> None:
        self._otherwise = (
            None if otherwise is None else TRACKERS.build(otherwise)
        )

    def reset(self, fps: float) -> None:
        """Forget what the other tracker has seen."""
        if self._otherwise is not None:
            self._otherwise.reset(fps)

    def update(self, detections: Detections) -> np.ndarray:
        """Return ``detections.ids``, or what the other tracker finds.

        Raises:
            ValueError: if the boxes have no ids and there is no other
                tracker.
        """
        if detections.ids is not None:
            return np.where(detections.ids < 0, NO_TRACK, detections.ids)
        if self._otherwise is not None:
            return self._otherwise.update(detections)
        raise ValueError(
            'GivenIds needs boxes that carry ids, and these have none; name '
            "a tracker for them: tracker.otherwise=dict(type='ByteTrack')."
        )


@TRACKERS.register_module()
class ByteTrack(BaseTracker):
    """ByteTrack (arXiv 2110.06864) of the package ``trackers``.

    A person's first box has no number yet: it takes ``min_hits`` successive
    frames to make a track. The boxes stay those of the detector. Thresholds
    fit EfficientDet-Lite2, whose scores are lower than those that the
    package's own defaults expect.

    Args:
        high_thr: boxes at least this confident are matched first.
        new_track_thr: confidence that starts a track.
        min_iou: least overlap of a box with where its track is expected.
        min_hits: successive frames before a track gets a number.
        lost_seconds: how long a track without a box is kept.
    """

    def __init__(
        self,
        *,
        high_thr: float = 0.3,
        new_track_thr: float = 0.4,
        min_iou: float = 0.1,
        min_hits: int = 2,
        lost_seconds: float = 1.0,
    ) -> None:
        try:
            from trackers import ByteTrackTracker
        except ImportError as error:
            raise ImportError(
                'ByteTrack needs the package trackers; run: '
                'pip install -r requirements/video.txt'
            ) from error
        self._make = ByteTrackTracker
        self._options: dict[str, Any] = {
            'high_conf_det_threshold': high_thr,
            'track_activation_threshold': new_track_thr,
            'minimum_iou_threshold': min_iou,
            'minimum_consecutive_frames': min_hits,
            # the package counts in frames of a video with 30 per second
            'lost_track_buffer': round(lost_seconds * 30),
        }
        self.reset(30.0)

    def reset(self, fps: float) -> None:
        """Forget all tracks; numbers start at 0 again."""
        self._tracker = self._make(frame_rate=fps, **self._options)

    def update(self, detections: Detections) -> np.ndarray:
        """Match the boxes of a frame with the tracks so far."""
        from supervision import Detections as Boxes

        tracked = self._tracker.update(
            Boxes(
                xyxy=detections.boxes,
                confidence=detections.scores,
                data={'row': np.arange(len(detections))},
            )
        )
        ids = np.full(len(detections), NO_TRACK, np.int64)
        if len(tracked) and tracked.tracker_id is not None:
            ids[tracked.data['row']] = tracked.tracker_id
        return ids
