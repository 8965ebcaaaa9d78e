"""Vision transformer with an IBN convolution stem (ICS)."""

from __future__ import annotations

from typing import Any

from torch import Tensor, cat, nn

from mmcion.registry import MODELS

from .ibn import IBN
from .position_table import fit_position_table
from .timm_backbone import TimmBackbone


class ICSStem(nn.Module):
    """Map images to patch tokens by three convolutions and a projection.

    Source: TransReID-SSL (arXiv 2111.12084), section 3.4. Names of the
    parameters equal those of the published checkpoints. Takes the arguments
    that timm passes to every stem, of which ``kwargs`` are not used.
    """

    def __init__(
        self,
        img_size: tuple[int, int],
        embed_dim: int,
        patch_size: int = 16,
        in_chans: int = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.grid_size = tuple(side // patch_size for side in img_size)
        self.num_patches = self.grid_size[0] * self.grid_size[1]
        self.conv = nn.Sequential(
            nn.Conv2d(in_chans, 64, 7, stride=2, padding=3, bias=False),
            IBN(64),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 64, 3, padding=1, bias=False),
            IBN(64),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 64, 3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
        )
        stride = patch_size // 2  # the first convolution halves
        self.proj = nn.Conv2d(64, embed_dim, stride, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map images ``(N, 3, H, W)`` to patches ``(N, d, h, w)``."""
        return self.proj(self.conv(x))


@MODELS.register_module()
class VisionTransformerICS(TimmBackbone):
    """Vision transformer on an IBN convolution stem, for images of any size.

    The feature is the normalised class token.

    Args:
        arch: ``'tiny'``, ``'small'`` or ``'base'``.
        img_size: Height and width of the position embeddings.
        kwargs: Passed on to ``timm.models.VisionTransformer``.
    """

    archs = ('tiny', 'small', 'base')
    timm_name = 'vit_{}_patch16_224'
    min_size = 16

    def __init__(
        self, arch: str, img_size: tuple[int, int] = (256, 128), **kwargs: Any
    ) -> None:
        super().__init__(
            arch, img_size=tuple(img_size), embed_layer=ICSStem, **kwargs
        )
        nn.init.trunc_normal_(self.model.cls_token, std=0.02)

    def last_map(self, x: Tensor) -> Tensor:
        """Map images ``(N, 3, H, W)`` to class tokens ``(N, d, 1, 1)``."""
        model = self.model
        x = model.patch_embed(x).permute(0, 2, 3, 1)  # (N, h, w, d)
        # (1, 1 + h w, d): the class token's embedding, then those of the grid
        grid = model.pos_embed[:, 1:].unflatten(1, model.patch_embed.grid_size)
        x = (x + fit_position_table(grid, *x.shape[1:3])).flatten(1, 2)
        token = model.cls_token + model.pos_embed[:, :1]
        token = token.expand(x.shape[0], -1, -1)
        # (N, 1 + h w, d)
        x = model.blocks(model.pos_drop(cat((token, x), 1)))
        return model.norm(x)[:, 0, :, None, None]
