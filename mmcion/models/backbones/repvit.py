"""RepViT in the variant of the published weights."""

from __future__ import annotations

from typing import Any

from timm.layers import SqueezeExcite, make_divisible
from timm.models.repvit import RepViTBlock

from mmcion.registry import MODELS

from .timm_backbone import TimmBackbone


@MODELS.register_module()
class RepViT(TimmBackbone):
    """RepViT, whose squeeze-and-excitation differs from timm's.

    The gate is a hard sigmoid, and the squeezed width a multiple of 4.

    Args:
        arch: One of ``archs``.
        kwargs: Passed on to ``timm.models.RepVit``.
    """

    archs = ('m0_9', 'm1_0', 'm1_5')
    timm_name = 'repvit_{}'

    def __init__(self, arch: str, **kwargs: Any) -> None:
        super().__init__(arch, **kwargs)
        for block in self.model.modules():
            if isinstance(block, RepViTBlock) and isinstance(
                block.se, SqueezeExcite
            ):
                # timm rounds the squeezed width to a multiple of 8
                channels = block.se.fc1.in_channels
                block.se = SqueezeExcite(
                    channels,
                    rd_channels=make_divisible(channels / 4, 4),
                    gate_layer='hard_sigmoid',
                )
