"""Swin transformer with the semantic controller of SOLIDER."""

from __future__ import annotations

from typing import Any

import torch
from timm.models.swin_transformer import PatchMerging
from torch import Tensor, nn
from torch.nn.functional import softplus

from mmcion.registry import MODELS
from mmcion.utils.checks import check_interval

from .padded_swin import PaddedSwinTransformer


class SemanticMerging(PatchMerging):
    """Patch merging whose output is scaled and shifted by the controller."""

    semantic_weights: Tensor

    def add_controller(self, semantic_weight: float) -> None:
        """Add the two layers that give scale and offset."""
        pair = torch.tensor([semantic_weight, 1.0 - semantic_weight])
        self.register_buffer('semantic_weights', pair, persistent=False)
        self.semantic_embed_w = nn.Linear(2, self.out_dim)
        self.semantic_embed_b = nn.Linear(2, self.out_dim)
        for layer in (self.semantic_embed_w, self.semantic_embed_b):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
            layer.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, h, w, C)`` to ``(N, h / 2, w / 2, 2 C)``."""
        x = super().forward(x)
        # (2,) -> (2 C,), the same for all images
        scale = softplus(self.semantic_embed_w(self.semantic_weights))
        return x * scale + self.semantic_embed_b(self.semantic_weights)


@MODELS.register_module()
class SemanticSwinTransformer(PaddedSwinTransformer):
    """Swin transformer with SOLIDER's semantic controller.

    After each of the first three stages and its patch merging, maps are
    multiplied by ``softplus(W (s, 1 - s))`` and ``B (s, 1 - s)`` is added,
    where s is the semantic weight. Source: SOLIDER (arXiv 2303.17602).
    W and B are not trained, as in SOLIDER-REID. The published code has a
    fourth pair, which no feature depends on.

    Args:
        arch: One of ``archs``.
        semantic_weight: Weight of semantics against appearance, in [0, 1];
            SOLIDER-REID takes 0.2.
        kwargs: Passed on to ``timm.models.SwinTransformer``.
    """

    def __init__(
        self, arch: str, semantic_weight: float = 0.2, **kwargs: Any
    ) -> None:
        super().__init__(arch, **kwargs)
        check_interval('[0, 1]', semantic_weight=semantic_weight)
        stages: Any = self.model.layers
        for stage in stages[1:]:  # the first has no merging
            stage.downsample.__class__ = SemanticMerging  # and its state
            stage.downsample.add_controller(semantic_weight)
