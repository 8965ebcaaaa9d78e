"""TorchvisionDetector: a detector of torchvision with weights from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from mmcion.registry import DETECTORS
from mmcion.utils.checks import (
    check_at_least,
    check_choice,
    check_file,
    check_interval,
)

from ..detections import Detections
from .base_detector import BaseDetector

_PERSON = 1  # torchvision's models of COCO count the background as 0


@DETECTORS.register_module()
class TorchvisionDetector(BaseDetector):
    """Runs a detection model of torchvision; downloads nothing.

    Args:
        name: Name of a model of ``torchvision.models.detection``, such as
            ``'ssdlite320_mobilenet_v3_large'``.
        weights_file: State dict of that model, trained on COCO.
        device: Device of the model.
        num_classes: Number of classes that it was trained with.
        score_thr: Least confidence of a person.
        batch_size: Number of frames of a forward pass, above 1 for GPUs.
    """

    def __init__(
        self,
        name: str,
        weights_file: str,
        *,
        device: str = 'cpu',
        num_classes: int = 91,
        score_thr: float = 0.5,
        batch_size: int = 1,
    ) -> None:
        check_interval('[0, 1]', score_thr=score_thr)
        check_at_least(1, batch_size=batch_size)
        self.name = name
        self.weights_file = check_file(weights_file, 'weight file')
        self.device = device
        self.num_classes = num_classes
        self.score_thr = score_thr
        self.batch_size = batch_size

    def load(self) -> None:
        """Load the model."""
        from torchvision.models import detection, get_model, list_models

        check_choice('name', self.name, list_models(detection))
        no_weights = {'weights': None, 'weights_backbone': None}
        self._model = get_model(
            self.name, num_classes=self.num_classes, **no_weights
        )
        state = torch.load(self.weights_file, 'cpu', weights_only=True)
        self._model.load_state_dict(state)
        self._model.to(self.device).eval()

    def input_files(self, video: Path) -> list[Path]:
        """Return the weight file."""
        return [self.weights_file]

    def detect(self, image: np.ndarray, frame: int) -> Detections:
        """Return the boxes of people in one frame."""
        return self.detect_batch([image], [frame])[0]

    def detect_batch(
        self, images: Sequence[np.ndarray], frames: Sequence[int]
    ) -> list[Detections]:
        """Return the boxes of people in frames, by one forward pass."""
        # the device with its number: 'cuda' is another one in each thread
        device = next(self._model.parameters()).device
        inputs = []
        for image in images:
            # (H, W, BGR) uint8 -> (RGB, H, W) in [0, 1]
            rgb = np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1))
            inputs.append(torch.from_numpy(rgb).to(device).float() / 255)
        with torch.inference_mode():
            outputs = self._model(inputs)
        results = []
        for found in outputs:
            keep = (found['labels'] == _PERSON).cpu().numpy()
            scores = found['scores'].cpu().numpy()
            keep &= scores >= self.score_thr
            boxes = found['boxes'].cpu().numpy()
            results.append(Detections(boxes[keep], scores[keep]))
        return results
