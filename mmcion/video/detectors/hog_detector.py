"""HOGDetector: a detector without weight file."""

import cv2
import numpy as np

from mmcion.registry import DETECTORS
from mmcion.utils.checks import check_interval

from ..detections import Detections
from .base_detector import BaseDetector
from .tiling import suppress

_WINDOW = (48, 96)  # width and height of what the SVM sees


@DETECTORS.register_module()
class HOGDetector(BaseDetector):
    """Histograms of oriented gradients with the Daimler SVM of OpenCV.

    Much less accurate than the default detector, but always available. It
    finds upright people of at least 96 pixels in the enlarged frame.

    Args:
        upsample: Factor by which the frame is enlarged.
        score_thr: Least score, the logistic function of the SVM's margin;
            values below 0.5 have no effect.
        nms_iou: IoU above which only the better of two boxes is kept.
        shrink: Height and width of a box as fractions of the SVM's window,
            which has a margin around the person.
    """

    def __init__(
        self,
        *,
        upsample: float = 1.5,
        score_thr: float = 0.85,
        nms_iou: float = 0.3,
        shrink: tuple[float, float] = (0.8, 0.7),
    ) -> None:
        check_interval('(0, inf)', upsample=upsample)
        check_interval('[0, 1]', score_thr=score_thr)
        # the SVM itself rejects margins below 0, which are scores below 0.5
        score = np.clip(score_thr, 0.5, 1 - 1e-6)
        self._margin = float(np.log(score / (1 - score)))
        self.upsample = upsample
        self.nms_iou = nms_iou
        self.shrink = np.asarray(shrink, np.float32)
        self._hog = cv2.HOGDescriptor(_WINDOW, (16, 16), (8, 8), (8, 8), 9)
        # getattr: the name is missing in cv2's type hints
        svm = getattr(cv2, 'HOGDescriptor_getDaimlerPeopleDetector')()  # noqa: B009
        self._hog.setSVMDetector(svm)

    def detect(self, image: np.ndarray, frame: int) -> Detections:
        """Return the boxes of people in one frame."""
        large = cv2.resize(image, None, fx=self.upsample, fy=self.upsample)
        width, height = _WINDOW
        if large.shape[0] < height or large.shape[1] < width:
            return Detections.empty()  # OpenCV would crash
        found, margins = self._hog.detectMultiScale(
            large,
            hitThreshold=self._margin,
            winStride=(8, 8),
            scale=1.05,
            groupThreshold=0,
        )
        if not len(found):
            return Detections.empty()
        xywh = np.asarray(found, np.float32) / self.upsample
        scores = 1 / (1 + np.exp(-np.asarray(margins).reshape(-1)))
        half = xywh[:, 2:] * self.shrink[::-1] / 2
        centre = xywh[:, :2] + xywh[:, 2:] / 2
        boxes = np.concatenate((centre - half, centre + half), axis=1)
        return suppress(Detections(boxes, scores), self.nms_iou)
