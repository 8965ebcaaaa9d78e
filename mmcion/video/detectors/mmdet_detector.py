"""MMDetDetector: any detector of MMDetection."""

from importlib import import_module
from pathlib import Path

import numpy as np

from mmcion.registry import DETECTORS
from mmcion.utils.checks import check_interval, optional_import

from ..detections import Detections
from .base_detector import BaseDetector


@DETECTORS.register_module()
class MMDetDetector(BaseDetector):
    """Runs a model of mmdet, if that package is installed.

    Args:
        config: Config file of mmdet.
        checkpoint: Weights of the model.
        device: Device of the model.
        person_label: Index of the class of people; 0 for models of COCO.
        score_thr: Least confidence of a person.
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
        check_interval('[0, 1]', score_thr=score_thr)
        self.score_thr = score_thr
        self.person_label = person_label
        self.files = config, checkpoint
        self.device = device

    def load(self) -> None:
        """Load the model."""
        install = 'pip install mmdet (onedl-mmdetection beside onedl packages)'
        with optional_import('MMDetDetector', install):
            from mmdet.apis import inference_detector, init_detector
        # from here on mmdet reads checkpoints without running their code
        import_module('mmcion.utils.read_checkpoint')
        self._infer = inference_detector
        self._model = init_detector(*self.files, device=self.device)

    def input_files(self, video: Path) -> list[Path]:
        """Return config and checkpoint, where they are local files."""
        return [path for path in map(Path, self.files) if path.is_file()]

    def detect(self, image: np.ndarray, frame: int) -> Detections:
        """Return the boxes of people in one frame."""
        found = self._infer(self._model, image).pred_instances.cpu().numpy()
        keep = found.labels == self.person_label
        keep &= found.scores >= self.score_thr
        return Detections(found.bboxes[keep], found.scores[keep])
