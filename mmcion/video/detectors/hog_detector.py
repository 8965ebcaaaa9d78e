"""HOGDetector: people without any weight file."""

import cv2
import numpy as np

from mmcion.registry import DETECTORS

from ..detections import Detections
from .base_detector import BaseDetector, check_score_threshold
from .tiling import suppress


@DETECTORS.register_module()
class HOGDetector(BaseDetector):
    """Histograms of oriented gradients with the Daimler SVM of OpenCV.

    Far behind the default detector; a last resort that is always there.
    People must be upright and, after enlarging, at least 96 pixels tall.

    Args:
        upsample: how much the frame is enlarged before looking.
        score_thr: least score, the logistic function of the SVM's margin;
            below 0.5 it changes nothing.
        nms_iou: of two boxes that overlap more than this, the better stays.
        shrink: height and width of a box as a share of the SVM's window,
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
        if upsample <= 0:
            raise ValueError(f'upsample ({upsample}) must be > 0.')
        if not hasattr(cv2, 'HOGDescriptor'):
            raise ImportError(
                f'OpenCV {cv2.__version__} has no HOGDescriptor any more; '
                f"run: pip install 'opencv-python<5'"
            )
        check_score_threshold(score_thr)
        # a margin below 0 is the SVM's own no
        share = np.clip(score_thr, 0.5, 1 - 1e-6)
        self._margin = float(np.log(share / (1 - share)))
        self.upsample = upsample
        self.nms_iou = nms_iou
        self.shrink = np.asarray(shrink, np.float32)
        self._hog = cv2.HOGDescriptor((48, 96), (16, 16), (8, 8), (8, 8), 9)
        # cv2's type hints lack the name
        svm = getattr(cv2, 'HOGDescriptor_getDaimlerPeopleDetector')()  # noqa: B009
        self._hog.setSVMDetector(svm)

    def detect(self, image: np.ndarray, frame: int) -> Detections:
        """Find the people of one frame."""
        large = cv2.resize(image, None, fx=self.upsample, fy=self.upsample)
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
