"""MMDetDetector: any detector of MMDetection."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
import torch

from mmcion.registry import DETECTORS
from mmcion.utils.checks import check_at_least, check_interval, optional_import

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
        batch_size: Number of frames of a forward pass, above 1 for GPUs.
    """

    def __init__(
        self,
        config: str,
        checkpoint: str,
        *,
        device: str = 'cpu',
        person_label: int = 0,
        score_thr: float = 0.3,
        batch_size: int = 1,
    ) -> None:
        check_interval('[0, 1]', score_thr=score_thr)
        check_at_least(1, batch_size=batch_size)
        self.score_thr = score_thr
        self.batch_size = batch_size
        self.person_label = person_label
        self.files = config, checkpoint
        self.device = device

    def load(self) -> None:
        """Load the model."""
        install = 'pip install mmdet (onedl-mmdetection beside onedl packages)'
        with optional_import('MMDetDetector', install):
            from mmcv.transforms import Compose
            from mmdet.apis import init_detector
            from mmdet.utils import get_test_pipeline_cfg
        # from here on mmdet reads checkpoints without running their code
        import_module('mmcion.utils.read_checkpoint')
        # with its number: 'cuda' is another one in each thread
        device = str(torch.empty(0, device=self.device).device)
        self._model = init_detector(*self.files, device=device)
        # as in inference_detector, which takes one image after the other
        pipeline = get_test_pipeline_cfg(self._model.cfg.copy())
        pipeline[0].type = 'mmdet.LoadImageFromNDArray'
        self._pipeline = Compose(pipeline)

    def input_files(self, video: Path) -> list[Path]:
        """Return config and checkpoint, where they are local files."""
        return [path for path in map(Path, self.files) if path.is_file()]

    def detect(self, image: np.ndarray, frame: int) -> Detections:
        """Return the boxes of people in one frame."""
        return self.detect_batch([image], [frame])[0]

    def detect_batch(
        self, images: Sequence[np.ndarray], frames: Sequence[int]
    ) -> list[Detections]:
        """Return the boxes of people in frames, by one forward pass."""
        items = [self._pipeline({'img': img, 'img_id': 0}) for img in images]
        batch = {name: [item[name] for item in items] for name in items[0]}
        with torch.inference_mode():
            outputs = self._model.test_step(batch)
        results = []
        for output in outputs:
            found = output.pred_instances.cpu().numpy()
            keep = found.labels == self.person_label
            keep &= found.scores >= self.score_thr
            results.append(Detections(found.bboxes[keep], found.scores[keep]))
        return results
