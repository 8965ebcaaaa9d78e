"""Vision transformers of timm that cut images into patches at once."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmcion.registry import MODELS

from .timm_backbone import TimmBackbone


@MODELS.register_module()
class PlainVisionTransformer(TimmBackbone):
    """Vision transformer on plain patches, for images of any size.

    ViT as of timm, PersonViT and DINO, DINOv2 and DINOv3. Position embeddings
    are interpolated as timm does, and images padded to whole patches. The
    feature is the normalised class token.

    Args:
        arch: timm's name of the network, one of ``archs``.
        img_size: Height and width of the position embeddings; those of the
            published weights if None.
        kwargs: Passed on to timm's class.
    """

    archs = (
        *(f'vit_{size}_patch16_224' for size in ('tiny', 'small', 'base')),
        *(f'vit_{size}_patch14_dinov2' for size in ('small', 'base')),
        *(f'vit_{size}_patch16_dinov3' for size in ('small', 'base')),
    )
    timm_name = '{}'

    def __init__(
        self,
        arch: str,
        img_size: tuple[int, int] | None = None,
        **kwargs: Any,
    ) -> None:
        options: dict[str, Any] = {'dynamic_img_size': True}
        if img_size:
            options['img_size'] = tuple(img_size)
        # DINOv3 has rotary embeddings, which follow from the image
        if not arch.endswith('dinov3'):
            options['dynamic_img_pad'] = True
        super().__init__(arch, **{**options, **kwargs})

    def last_map(self, x: Tensor) -> Tensor:
        """Map images ``(N, 3, H, W)`` to class tokens ``(N, d, 1, 1)``."""
        return self.model.forward_features(x)[:, 0, :, None, None]
