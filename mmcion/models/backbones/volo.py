"""VOLO in the variant of the published weights."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmcion.registry import MODELS

from .position_table import fit_position_table
from .timm_backbone import TimmBackbone


@MODELS.register_module()
class VOLO(TimmBackbone):
    """VOLO for images of any size; the feature is the class token.

    Args:
        arch: ``'d1'``, ``'d2'`` or ``'d3'``.
        img_size: Height and width of the position embeddings.
        kwargs: Passed on to ``timm.models.VOLO``.
    """

    archs = ('d1', 'd2', 'd3')
    timm_name = 'volo_{}_224'
    min_size = 16

    def __init__(
        self, arch: str, img_size: tuple[int, int] = (256, 128), **kwargs: Any
    ) -> None:
        super().__init__(
            arch, img_size=tuple(img_size), use_aux_head=False, **kwargs
        )

    def last_map(self, x: Tensor) -> Tensor:
        """Map images ``(N, 3, H, W)`` to class tokens ``(N, d, 1, 1)``."""
        model = self.model
        x = model.patch_embed(x).permute(0, 2, 3, 1)  # (N, h, w, d)
        for index, stage in enumerate(model.network):
            if index == 2:  # after the outlookers and the downsampling
                x = x + fit_position_table(model.pos_embed, *x.shape[1:3])
                x = model.pos_drop(x)
            x = stage(x)
        # (N, h w, d) -> (N, 1 + h w, d), the class token first
        x = model.norm(model.forward_cls(x.flatten(1, 2)))
        return x[:, 0, :, None, None]
