"""ResNet-IBN-a: instance and batch normalisation side by side."""

from __future__ import annotations

from typing import Any

import torch
from mmpretrain.models import ResNet
from torch import Tensor, nn

from mmcion.registry import MODELS


class IBN(nn.Module):
    """Normalise the first half of the channels by instance, the rest by BN.

    Source: IBN-Net (ECCV 2018), variant a. Parameter names ``IN`` and ``BN``
    are those of the published checkpoints.

    Args:
        channels: number of channels C of the input ``(N, C, H, W)``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.split_at = channels // 2
        self.IN = nn.InstanceNorm2d(self.split_at, affine=True)
        self.BN = nn.BatchNorm2d(channels - self.split_at)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(N, C, H, W)``."""
        first, second = x.split([self.split_at, x.shape[1] - self.split_at], 1)
        return torch.cat((self.IN(first.contiguous()), self.BN(second)), 1)


@MODELS.register_module()
class ResNetIBN(ResNet):
    """ResNet whose blocks of the first three stages begin with IBN.

    The last stage has stride 1, as usual in ReID. Names and shapes of the
    parameters equal those of CION's released ResNet-IBN checkpoints.

    Args:
        depth: 18, 50, 101 or 152.
        strides: of the four stages.
        kwargs: passed on to ``mmpretrain.models.ResNet``.
    """

    def __init__(
        self,
        depth: int,
        strides: tuple[int, ...] = (1, 2, 2, 1),
        **kwargs: Any,
    ) -> None:
        super().__init__(depth=depth, strides=strides, **kwargs)
        for name in self.res_layers[:3]:
            for block in getattr(self, name):
                block.bn1 = IBN(block.bn1.num_features)

    def train(self, mode: bool = True) -> ResNetIBN:
        """Set the mode and return itself, which the parent forgets."""
        super().train(mode)
        return self
