"""TorchvisionDetector: a detector of torchvision with weights from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmcion.registry import DETECTORS

from ..detections import Detections
from .base_detector import BaseDetector, check_score_threshold

_PERSON = 1  # torchvision's models of COCO count the background as 0


@DETECTORS.register_module()
class TorchvisionDetector(BaseDetector):
    """Runs a detection model of torchvision; downloads nothing.

    Args:
        name: a name of ``torchvision.models.list_models`` of its module
            ``detection``, such as ``'ssdlite320_mobilenet_v3_large'``.
        weights_file: state dict of that model, trained on COCO.
        device: where it runs.
        num_classes: that the weights were trained with.
        score_thr: least confidence of a person.
    """

    def __init__(
        self,
        name: str,
        weights_file: str,
        *,
        device: str = 'cpu',
        num_classes: int = 91,
        score_thr: float = 0.5,
    ) -> None:
        import torch
        from torchvision.models import detection, get_model, list_models

        allowed = list_models(detection)
        if name not in allowed:
            raise ValueError(
                f'torchvision has no detector {name!r}; it has '
                f'{", ".join(allowed)}.'
            )
        if not Path(weights_file).is_file():
            raise FileNotFoundError(f'there is no weight file {weights_file}')
        self.weights_file = Path(weights_file)
        self.score_thr = check_score_threshold(score_thr)
        self.device = torch.device(device)
        model = get_model(
            name,
            weights=None,
            weights_backbone=None,
            num_classes=num_classes,
        )
        state = torch.load(weights_file, 'cpu', weights_only=True)
        model.load_state_dict(state)
        self._model = model.to(self.device).eval()

    def input_files(self, video: Path) -> list[Path]:
        """Return the weight file."""
        return [self.weights_file]

    def detect(self, image: np.ndarray, frame: int) -> Detections:
        """Find the people of one frame."""
        import torch

        rgb = np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1))
        tensor = torch.from_numpy(rgb).to(self.device).float() / 255
        with torch.inference_mode():
            found = self._model([tensor])[0]
        keep = (found['labels'] == _PERSON).cpu().numpy()
        scores = found['scores'].cpu().numpy()
        keep &= scores >= self.score_thr
        return Detections(found['boxes'].cpu().numpy()[keep], scores[keep])
