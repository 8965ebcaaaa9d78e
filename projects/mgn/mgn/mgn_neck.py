"""MGNNeck: eight features of stripes of three maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from mmcion.models import GeneralizedMeanPooling
from mmcion.registry import MODELS
from mmcion.utils.checks import UserError

# In the order of the feature: whole maps, halves of the second, thirds of
# the third.
PIECES = ('b1', 'b2', 'b3', 'b21', 'b22', 'b31', 'b32', 'b33')


class PieceHead(nn.Module):
    """Pool a map, reduce it and normalise it.

    Args:
        in_channels: Channels d of the map.
        out_channels: Dimensions of the feature.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.pooling = GeneralizedMeanPooling()
        self.reduction = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        nn.init.kaiming_normal_(self.reduction.weight, mode='fan_out')
        self.bn = nn.BatchNorm1d(out_channels)
        nn.init.normal_(self.bn.weight, 1.0, 0.02)
        self.bn.bias.requires_grad_(False)  # stays 0

    def forward(self, feature_map: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(N, d, h, w)`` to ``(N, D)`` before and after normalising."""
        # (N, d, 1, 1): the reduction is a convolution, as published
        pooled = self.pooling(feature_map)[:, :, None, None]
        before = self.reduction(pooled).flatten(1)
        return before, self.bn(before)


@MODELS.register_module()
class MGNNeck(nn.Module):
    """Cut maps into stripes and join one feature of each, whole maps first.

    Source: MGN (MM 2018), section 3.1, with GeM pooling and the feature after
    normalising, as in fast-reid.

    Args:
        in_channels: Channels d of each map.
        out_channels: Dimensions of each of the eight features.
        extra_bn: Whether each map is normalised first.

    Attributes:
        num_features: Dimensions of all eight features together.
    """

    takes_maps: ClassVar[bool] = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 256,
        extra_bn: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = len(PIECES) * out_channels
        self.extra_bn = nn.ModuleList(
            nn.BatchNorm2d(in_channels) if extra_bn else nn.Identity()
            for _ in range(3)
        )
        self.heads = nn.ModuleDict(
            {name: PieceHead(in_channels, out_channels) for name in PIECES}
        )

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Map three maps ``(N, d, h, w)`` to features ``(N, 8 D)``.

        Returns:
            Features before and after normalising.
        """
        if (rows := maps[0].shape[2]) < 3:
            raise UserError(
                f'MGN cuts maps into 3 rows or more; here they have {rows}: '
                f'use higher images.'
            )
        b1, b2, b3 = (
            bn(each) for bn, each in zip(self.extra_bn, maps, strict=True)
        )
        # parts of equal height where 2 and 3 divide the rows: 24 at 384 pixels
        stripes = [*b2.tensor_split(2, 2), *b3.tensor_split(3, 2)]
        parts = zip(self.heads.values(), (b1, b2, b3, *stripes), strict=True)
        # eight times (N, D) -> (N, 8 D)
        before, after = zip(*(head(part) for head, part in parts), strict=True)
        return torch.cat(before, 1), torch.cat(after, 1)
