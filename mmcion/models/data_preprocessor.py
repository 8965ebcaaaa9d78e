"""ReIDDataPreprocessor: uint8 images to normalised batches, on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmcion.registry import MODELS
from mmcion.structures import ViewPlan
from mmcion.utils.checks import UserError

from .utils import make_views


@MODELS.register_module()
class ReIDDataPreprocessor(BaseDataPreprocessor):
    """Stack, scale to [0, 1] and normalise RGB images.

    Args:
        mean: Mean per channel of images in [0, 1]. None skips normalising.
        std: Standard deviation per channel.
    """

    def __init__(
        self,
        mean: Sequence[float] | None = (0.485, 0.456, 0.406),
        std: Sequence[float] | None = (0.229, 0.224, 0.225),
    ) -> None:
        super().__init__(non_blocking=True)
        if (mean is None) != (std is None):
            raise UserError('give both mean and std, or neither.')
        self.normalises = mean is not None
        for name, value in (('mean', mean or (0,)), ('std', std or (1,))):
            self.register_buffer(
                name, torch.tensor(value).view(-1, 1, 1), persistent=False
            )

    def forward(self, data: dict[str, Any], training: bool = False) -> dict:
        """Move a batch to the device and normalise it.

        Its ``inputs`` are one uint8 tensor ``(N, 3, H, W)``, a list of N
        tensors ``(3, H, W)``, a list of V views ``(N, 3, h, w)``, or a
        ``ViewPlan`` of V views, which are made on the device. They become one
        float32 tensor ``(N, 3, H, W)`` or a list of V.
        """
        inputs = data['inputs']
        # its boxes and amounts stay on the host
        if isinstance(inputs, ViewPlan):
            inputs = make_views(inputs, self.device)
        data = self.cast_data({**data, 'inputs': inputs})
        inputs = data['inputs']
        if isinstance(inputs, Tensor):
            inputs = self._normalise(inputs)
        elif inputs[0].dim() == 3:  # N x (3, H, W) -> (N, 3, H, W)
            inputs = self._normalise(torch.stack(list(inputs)))
        else:
            inputs = [self._normalise(view) for view in inputs]
        return {**data, 'inputs': inputs}

    def _normalise(self, images: Tensor) -> Tensor:
        images = images.float().div_(255)
        if self.normalises:
            images = images.sub_(self.mean).div_(self.std)
        return images
