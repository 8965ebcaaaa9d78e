"""Projector: from pooled features to prototype logits."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrizations import weight_norm

from mmcion.registry import MODELS


@MODELS.register_module()
class Projector(nn.Module):
    """Three-layer MLP, L2 norm and a weight-normalised prototype layer.

    Logits are cosines in [-1, 1], since the norms of the prototypes are
    fixed at 1. Source: CION pre-training, DINO's head without BN.

    Args:
        in_channels: Dimensions d of the pooled features.
        num_prototypes: Number of prototypes C.
        hidden_channels: Width of the two hidden layers.
        bottleneck_channels: Dimensions D before the prototypes.
        use_bn: Batch-normalise the hidden layers; off in the published runs,
            but short schedules leave the uniform start much sooner with it.
    """

    def __init__(
        self,
        in_channels: int,
        num_prototypes: int,
        hidden_channels: int = 2048,
        bottleneck_channels: int = 256,
        use_bn: bool = False,
    ) -> None:
        super().__init__()
        self.num_prototypes = num_prototypes
        widths = (in_channels, hidden_channels, hidden_channels)
        layers: list[nn.Module] = []
        for width, next_width in pairwise(widths):
            layers.append(nn.Linear(width, next_width))
            if use_bn:
                layers.append(nn.BatchNorm1d(next_width))
            layers.append(nn.GELU())
        layers.append(nn.Linear(hidden_channels, bottleneck_channels))
        self.mlp = nn.Sequential(*layers)
        for layer in self.mlp:
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)
        last_layer = nn.Linear(bottleneck_channels, num_prototypes, bias=False)
        self.last_layer = weight_norm(last_layer)
        # weight = norm * direction: norms stay 1, directions are trained
        norms = self.last_layer.parametrizations.weight.original0
        nn.init.ones_(norms)
        norms.requires_grad_(False)

    def embed(self, feats: Tensor) -> Tensor:
        """Map ``(N, d)`` features to unit vectors ``(N, D)``."""
        return normalize(self.mlp(feats), dim=1)

    @property
    def prototypes(self) -> Tensor:
        """Unit vectors ``(C, D)``."""
        return self.last_layer.weight

    def forward(self, feats: Tensor) -> Tensor:
        """Map ``(N, d)`` features to ``(N, C)`` logits."""
        return self.last_layer(self.embed(feats))
