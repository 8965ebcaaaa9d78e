"""JPMNeck: BNNecks of the whole image and of its parts."""

from __future__ import annotations

import torch
from torch import Tensor

from mmcion.models import BNNeck
from mmcion.registry import MODELS


@MODELS.register_module()
class JPMNeck(BNNeck):
    """Normalise 1 + P features, and divide those of the P parts by P.

    In a distance all parts together then count as much as one of them would.
    Normalising works on each dimension by itself, so that one for all
    features is the published one for each. Source: TransReID.

    Args:
        in_channels: Dimensions (1 + P) d of all features.
        num_parts: Number P of parts.
    """

    def __init__(self, in_channels: int, num_parts: int = 4) -> None:
        super().__init__(in_channels)
        self.num_parts = num_parts

    def forward(self, feats: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(N, (1 + P) d)`` to the same before and after normalising."""
        before, after = super().forward(feats)
        return self._weighted(before), self._weighted(after)

    def _weighted(self, feats: Tensor) -> Tensor:
        width = feats.shape[1] // (1 + self.num_parts)
        parts = feats[:, width:] / self.num_parts
        return torch.cat((feats[:, :width], parts), 1)
