"""PartProjector: unit vectors of the parts of a person."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, normalize

from mmcion.models.utils import last_output
from mmcion.registry import MODELS
from mmcion.utils.checks import check_at_least


@MODELS.register_module()
class PartProjector(nn.Module):
    """Average horizontal parts of a map and project each by its own layer.

    Source: the figure of MMGL (Wan et al., IEEE TIFS 2023), a 1x1 convolution
    to 256 channels for each of 6 parts.

    Args:
        in_channels: Channels d of the map.
        num_parts: Number of parts n. Maps whose height is no multiple of it
            have parts that overlap by a row.
        out_channels: Dimensions D of a part.
    """

    def __init__(
        self, in_channels: int, num_parts: int = 6, out_channels: int = 256
    ) -> None:
        super().__init__()
        check_at_least(1, num_parts=num_parts, out_channels=out_channels)
        # a 1x1 convolution of one vector is a linear layer
        self.layers = nn.ModuleList(
            nn.Linear(in_channels, out_channels) for _ in range(num_parts)
        )

    def forward(self, outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
        """Map a backbone's output ``(N, d, h, w)`` to ``(N, n, D)``."""
        maps = adaptive_avg_pool2d(last_output(outputs), (len(self.layers), 1))
        # (N, d, n, 1) -> n x (N, d)
        parts = maps.squeeze(3).unbind(2)
        pairs = zip(self.layers, parts, strict=True)
        projected = [layer(part) for layer, part in pairs]
        return normalize(torch.stack(projected, 1), dim=2)
