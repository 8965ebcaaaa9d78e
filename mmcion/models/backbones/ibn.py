"""IBN: instance and batch normalisation side by side."""

import torch
from torch import Tensor, nn


class IBN(nn.Module):
    """Normalise the first half of the channels by instance, the rest by BN.

    Source: IBN-Net (ECCV 2018), variant a. Parameter names ``IN`` and ``BN``
    are those of the published checkpoints.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.split_at = channels // 2
        self.IN = nn.InstanceNorm2d(self.split_at, affine=True)
        self.BN = nn.BatchNorm2d(channels - self.split_at)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(N, C, H, W)``."""
        # (N, C, H, W) -> two halves of C / 2 channels
        first, second = x.split([self.split_at, x.shape[1] - self.split_at], 1)
        return torch.cat((self.IN(first.contiguous()), self.BN(second)), 1)
