"""Swin transformer as MMDetection and SOLIDER-REID run it."""

from __future__ import annotations

from mmcion.registry import MODELS

from .swin_transformer import SwinTransformer


@MODELS.register_module()
class PaddedSwinTransformer(SwinTransformer):
    """Swin transformer with windows of 7 x 7, padded before they are shifted.

    ``PlainSwinTransformer`` shifts first, as timm does, and has no windows
    larger than its map.
    """

    window_size = 7
