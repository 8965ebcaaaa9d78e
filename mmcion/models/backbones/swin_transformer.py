"""Swin transformer in the variant of the published weights."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from timm.models.swin_transformer import (
    SwinTransformerBlock,
    window_partition,
    window_reverse,
)
from torch import Tensor
from torch.nn.functional import pad

from mmcion.registry import MODELS

from .timm_backbone import TimmBackbone


class PaddedSwinBlock(SwinTransformerBlock):
    """Swin block that pads a map to whole windows before it is shifted.

    timm shifts first, which gives other neighbours where a side of the map is
    no multiple of half a window.
    """

    def _attn(self, x: Tensor) -> Tensor:
        """Attend within the windows of ``(N, h, w, C)``."""
        _, height, width, channels = x.shape
        rows, columns = self.window_size
        # (N, h, w, C) -> whole windows -> shifted
        x = pad(x, (0, 0, 0, -width % columns, 0, -height % rows))
        padded_height, padded_width = x.shape[1:3]
        down, right = self.shift_size
        x = torch.roll(x, (-down, -right), (1, 2))
        mask = self.get_attn_mask(x)
        # (N windows, rows, columns, C) -> attention over rows x columns
        windows = window_partition(x, self.window_size)
        windows = self.attn(
            windows.view(-1, self.window_area, channels), mask=mask
        )
        windows = windows.view(-1, rows, columns, channels)
        x = window_reverse(
            windows, self.window_size, padded_height, padded_width
        )
        # undo the shift and the padding
        x = torch.roll(x, (down, right), (1, 2))
        return x[:, :height, :width].contiguous()


@MODELS.register_module()
class SwinTransformer(TimmBackbone):
    """Swin transformer for images of any size, as used for detection.

    All stages have windows of the same size and shift them; maps are padded
    to whole windows.

    Attributes:
        window_size: Height and width of a window.

    Args:
        arch: One of ``archs``.
        kwargs: Passed on to ``timm.models.SwinTransformer``.
    """

    archs = ('tiny', 'small', 'base')
    timm_name = 'swin_{}_patch4_window7_224'
    window_size: ClassVar[int] = 8

    def __init__(self, arch: str, **kwargs: Any) -> None:
        super().__init__(
            arch,
            window_size=self.window_size,
            always_partition=True,
            strict_img_size=False,
            **kwargs,
        )
        self.model.patch_embed.dynamic_img_pad = True
        for block in self.model.modules():
            if isinstance(block, SwinTransformerBlock):
                block.__class__ = PaddedSwinBlock  # same state, other order

    def last_map(self, x: Tensor) -> Tensor:
        """Map images ``(N, 3, H, W)`` to ``(N, d, h, w)``."""
        return self.model.forward_features(x).permute(0, 3, 1, 2)
