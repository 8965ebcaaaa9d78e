"""Swin transformer as timm and its authors published it."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmcion.registry import MODELS

from .timm_backbone import TimmBackbone


@MODELS.register_module()
class PlainSwinTransformer(TimmBackbone):
    """Swin transformer with windows of 7 x 7, for images of any size.

    For weights of timm; ``SwinTransformer`` is that of ReIDZoo.

    Args:
        arch: One of ``archs``.
        kwargs: Passed on to ``timm.models.SwinTransformer``.
    """

    archs = ('tiny', 'small', 'base')
    timm_name = 'swin_{}_patch4_window7_224'
    min_size = 32

    def __init__(self, arch: str, **kwargs: Any) -> None:
        super().__init__(arch, strict_img_size=False, **kwargs)
        self.model.patch_embed.dynamic_img_pad = True

    def last_map(self, x: Tensor) -> Tensor:
        """Map images ``(N, 3, H, W)`` to ``(N, d, h, w)``."""
        return self.model.forward_features(x).permute(0, 3, 1, 2)
