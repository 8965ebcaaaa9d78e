"""Trackers: join the boxes of successive frames to tracks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from mmcion.registry import TRACKERS
from mmcion.utils.checks import UserError, optional_import

from .detections import Detections

NO_TRACK = -1


class BaseTracker(ABC):
    """Assigns the boxes of a video to tracks, frame by frame."""

    def reset(self, fps: float) -> None:  # noqa: B027
        """Start a new video with ``fps`` frames per second."""

    @abstractmethod
    def update(self, detections: Detections) -> np.ndarray:
        """Assign the boxes of the next frame; call it without boxes too.

        Returns:
            ``(n,)`` int64 track of each box, -1 for none (yet).
        """


@TRACKERS.register_module()
class GivenIds(BaseTracker):
    """Uses the ids that came with the boxes as tracks.

    Args:
        otherwise: Config of a tracker for boxes without ids.
    """

    def __init__(self, otherwise: dict[str, Any] | None = None) -> None:
        self._otherwise = otherwise and TRACKERS.build(otherwise)

    def reset(self, fps: float) -> None:
        """Start a new video in the other tracker."""
        if self._otherwise:
            self._otherwise.reset(fps)

    def update(self, detections: Detections) -> np.ndarray:
        """Return ``detections.ids``, or the other tracker's tracks.

        Raises:
            UserError: If the boxes have no ids and there is no tracker.
        """
        if detections.ids is not None:
            return np.where(detections.ids < 0, NO_TRACK, detections.ids)
        if self._otherwise:
            return self._otherwise.update(detections)
        raise UserError(
            'boxes without ids need tracker.otherwise=dict(type="ByteTrack").'
        )


@TRACKERS.register_module()
class ByteTrack(BaseTracker):
    """ByteTrack (arXiv 2110.06864) of the package ``trackers``.

    The first boxes of a person belong to no track: it takes ``min_hits``
    successive frames to start one. Boxes stay as the detector found them.
    The thresholds are lower than the package's own, because the scores of
    EfficientDet-Lite2 are.

    Args:
        high_thr: Confidence from which boxes are matched first.
        new_track_thr: Confidence that starts a track.
        min_iou: Least IoU of a box with the predicted box of its track.
        min_hits: Number of successive frames that start a track.
        lost_seconds: Time for which a track without a box is kept.
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
        install = "pip install 'mmcion[video]'"
        with optional_import('ByteTrack', install):
            from trackers import ByteTrackTracker
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
        """Start a new video; tracks are numbered from 0 again."""
        self._tracker = self._make(frame_rate=fps, **self._options)

    def update(self, detections: Detections) -> np.ndarray:
        """Match the boxes of a frame with the tracks so far."""
        from supervision import Detections as Boxes

        tracked = self._tracker.update(
            Boxes(
                xyxy=detections.boxes,
                confidence=detections.scores,
                # the package returns the boxes in another order
                data={'row': np.arange(len(detections))},
            )
        )
        ids = np.full(len(detections), NO_TRACK, np.int64)
        if len(tracked) and tracked.tracker_id is not None:
            ids[tracked.data['row']] = tracked.tracker_id
        return ids
