"""ResNet-IBN-a: instance and batch normalisation side by side."""

from __future__ import annotations

from math import prod
from typing import Any

from torch import Tensor

from mmcion.registry import MODELS
from mmcion.utils.checks import UserError

from .ibn import IBN
from .resnet import ResNet


@MODELS.register_module()
class ResNetIBN(ResNet):
    """ResNet whose blocks of the first three stages begin with IBN.

    Names and shapes of the parameters equal those of CION's released
    ResNet-IBN checkpoints.

    Args:
        depth: 18, 34, 50, 101 or 152.
        kwargs: See ``ResNet``.
    """

    def __init__(self, depth: int, **kwargs: Any) -> None:
        super().__init__(depth, **kwargs)
        for name in self.res_layers[:3]:
            for block in getattr(self, name):
                block.bn1 = IBN(block.bn1.num_features)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images ``(N, 3, H, W)`` to maps ``(N, d, h, w)``."""
        height, width = x.shape[-2:]
        stride = 4 * prod(self.strides[:3])
        if max(height, width) <= stride:
            # maps of one pixel, which instance norm sets to its bias
            raise UserError(
                f'one side must exceed {stride} pixels; got {height} x {width}'
            )
        return super().forward(x)
