import numpy as np
import pytest

from mmcion.registry import DETECTORS
from mmcion.video.detections import Detections
from mmcion.video.detectors import BaseDetector


def test_own_detector_needs_only_to_detect(tmp_path, monkeypatch):
    class EmptyDetector(BaseDetector):
        def detect(self, image, frame):
            return Detections.empty()

    monkeypatch.setitem(DETECTORS.module_dict, 'EmptyDetector', EmptyDetector)
    detector = DETECTORS.build({'type': 'EmptyDetector'})
    video = tmp_path / 'a.avi'

    detector.load()
    detector.check_videos([video])
    detector.open_video(video)

    assert detector.input_files(video) == []
    assert len(detector.detect(np.zeros((4, 4, 3), np.uint8), 0)) == 0


def test_detector_that_does_not_detect_is_refused():
    with pytest.raises(TypeError, match='detect'):
        BaseDetector()
