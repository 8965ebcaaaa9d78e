"""MMDetDetector: any detector of MMDetection."""

from pathlib import Path

import numpy as np

from mmcion.registry import DETECTORS

from ..detections import Detections
from .base_detector import BaseDetector, check_score_threshold


@DETECTORS.register_module()
class MMDetDetector(BaseDetector):
    """Runs a model of mmdet, if that package is installed.

    Args:
        config: configuration file of mmdet.
        checkpoint: its weights.
        device: where it runs.
        person_label: index of the class of people; 0 for models of COCO.
        score_thr: least confidence of a person.
    """

    def __init__(
        self,
        config: str,
        checkpoint: str,
        *,
        device: str = 'cpu',
        person_label: int = 0,
        score_thr: float = 0.3,
    ) -> None:
        self.score_thr = check_score_threshold(score_thr)
        self.person_label = person_label
        try:
            from mmdet.apis import inference_detector, init_detector
        except ImportError as error:
            raise ImportError(
                'MMDetDetector needs mmdet, which mmcion does not install; '
                'run: pip install mmdet (or onedl-mmdetection beside the '
                'onedl packages)'
            ) from error
        self._files = [Path(config), Path(checkpoint)]
        self._infer = inference_detector
        self._model = init_detector(config, checkpoint, device=device)

    def input_files(self, video: Path) -> list[Path]:
        """Return config and checkpoint, where they are local files."""
        return [path for path in self._files if path.is_file()]

    def detect(self, image: np.ndarray, frame: int) -> Detections:
        """Find the people of one frame."""
        found = self._infer(self._model, image).pred_instances.cpu().numpy()
        keep = found.labels == self.person_label
        keep &= found.scores >= self.score_thr
        return Detections(found.bboxes[keep], found.scores[keep])
