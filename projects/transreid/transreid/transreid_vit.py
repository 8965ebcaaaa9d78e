"""TransReIDViT: a vision transformer with cameras and a jigsaw of parts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mmcion.models import get_architecture
from mmcion.registry import MODELS
from mmcion.utils.checks import (
    UserError,
    check_at_least,
    check_choice,
    check_image_size,
)

from .side_embedding import SideEmbedding

_SIZES = ('tiny', 'small', 'base')
# plain patches, and those of an ICS stem
ARCHS = tuple(
    f'{kind}_{size}' for kind in ('plain_vit', 'vit') for size in _SIZES
)
_PATCH = 16


def jigsaw_order(
    num_patches: int, shift: int = 5, num_parts: int = 4
) -> Tensor:
    """Return which patches make each part, ``(P, N // P)`` numbers from 1.

    The N patches are rolled by ``shift - 1`` and cut into two halves, whose
    patches alternate; the parts are runs of these. Those left at the end are
    in no part. Source: TransReID, section 3.2 and its code.
    """
    rolled = [*range(shift, num_patches + 1), *range(1, shift)]
    if num_patches % 2:
        rolled.append(rolled[-2])
    halves = torch.tensor(rolled).view(2, -1)
    size = num_patches // num_parts
    # (2, N / 2) -> alternating (N,) -> (P, N // P)
    return halves.T.flatten()[: num_parts * size].view(num_parts, size)


@MODELS.register_module()
class TransReIDViT(nn.Module):
    """TransReID's transformer, from images of one size to 1 + P features.

    Its last block comes twice: once for the whole image, and once for P
    parts, made of patches from all over the image (JPM). The published code
    has a third one, which no feature passes. Patches may overlap, and tokens
    may know the camera (SIE).

    Weights are those of the plain network, whose position table is
    interpolated to the grid of the patches; both last blocks start from its
    last one.

    Source: He et al., "TransReID: transformer-based object re-identification"
    (ICCV 2021). Overlapping patches on an ICS stem were not published.

    Attributes:
        num_features: Dimensions (1 + P) d of all features.

    Args:
        arch: One of ``ARCHS``, named as in the zoo. DeiT has plain patches.
        img_size: Height and width of images.
        stride: Pixels from one patch of 16 x 16 to the next.
        num_cameras: Number of cameras of the training; 0 for no SIE.
        camera_weight: Factor of their vectors.
        unseen_camera: See ``SideEmbedding``.
        test_cameras: Whether tests use the cameras of images. Otherwise all
            are unseen, as they are to an exported model.
        num_parts: Number P of parts.
        shift: See ``jigsaw_order``.
        drop_path_rate: Probability to skip the last block in training; less
            in earlier ones.
    """

    def __init__(
        self,
        arch: str,
        img_size: tuple[int, int] = (256, 128),
        *,
        stride: int = _PATCH,
        num_cameras: int = 0,
        camera_weight: float = 3.0,
        unseen_camera: str = 'mean',
        test_cameras: bool = True,
        num_parts: int = 4,
        shift: int = 5,
        drop_path_rate: float = 0.1,
    ) -> None:
        super().__init__()
        check_choice('arch', arch, ARCHS)
        check_at_least(1, stride=stride, num_parts=num_parts)
        self.has_stem = not arch.startswith('plain')
        if self.has_stem and stride != _PATCH:
            raise UserError(
                f'stride must be {_PATCH} on an ICS stem; got {stride}.'
            )
        self.img_size = check_image_size(img_size, 'img_size')
        self.vit = MODELS.build(
            {
                **get_architecture(arch).backbone,
                'img_size': self.img_size,
                'drop_path_rate': drop_path_rate,
            }
        )
        model: Any = self.vit.model
        width = self.vit.num_features
        # patches beyond the border are left out
        self.grid = tuple((s - _PATCH) // stride + 1 for s in self.img_size)
        num_patches = math.prod(self.grid)
        if num_patches < num_parts:
            raise UserError(f'img_size={img_size} has {num_patches} patches.')
        if not self.has_stem:
            model.patch_embed.proj.stride = (stride, stride)
            table = torch.empty(1, 1 + num_patches, width)
            nn.init.trunc_normal_(table, std=0.02)
            model.pos_embed = nn.Parameter(table)
        self.local_block = deepcopy(model.blocks[-1])
        self.local_norm = deepcopy(model.norm)
        self.side: SideEmbedding | None = None
        if num_cameras:
            self.side = SideEmbedding(
                num_cameras, width, camera_weight, unseen_camera
            )
        self.test_cameras = test_cameras
        self.register_buffer(
            'order',
            jigsaw_order(num_patches, shift, num_parts),
            persistent=False,
        )
        self.num_features = (1 + num_parts) * width

    @property
    def takes_cameras(self) -> bool:
        """Whether ``forward`` uses cameras, see ``ReIDModel``."""
        return self.side is not None

    def forward(
        self, x: Tensor, cam_ids: Sequence[int] | None = None
    ) -> Tensor:
        """Map images ``(N, 3, H, W)`` to ``(N, (1 + P) d)``.

        The first d dimensions are of the whole image, the others of its
        parts. ``cam_ids`` are N cameras, None where they are not known.
        """
        if x.shape[-2:] != self.img_size:
            raise UserError(
                f'images must be of img_size={self.img_size}; got '
                f'{tuple(x.shape[-2:])}.'
            )
        model = self.vit.model
        embed = model.patch_embed
        patches = embed(x) if self.has_stem else embed.proj(x)
        patches = patches.flatten(2).mT  # (N, d, h, w) -> (N, h w, d)
        first = model.cls_token.expand(x.shape[0], -1, -1)
        tokens = torch.cat((first, patches), 1) + model.pos_embed
        if self.side is not None:
            known = self.training or self.test_cameras
            tokens = tokens + self.side(cam_ids if known else None)[:, None]
        for block in model.blocks[:-1]:
            tokens = block(tokens)
        whole = model.norm(model.blocks[-1](tokens))[:, :1]
        # (N, P, 1 + n, d): the class token before the patches of each part
        first = tokens[:, None, :1].expand(-1, len(self.order), -1, -1)
        parts = torch.cat((first, tokens[:, self.order]), 2)
        local = self.local_norm(self.local_block(parts.flatten(0, 1)))[:, 0]
        local = local.unflatten(0, (-1, len(self.order)))
        # (N, 1 + P, d) -> (N, (1 + P) d)
        return torch.cat((whole, local), 1).flatten(1)

    def adapt_weights(
        self, tensors: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Make weights of this network from those of a plain one.

        See ``load_part``. Classifiers are left out.
        """
        if any(name.startswith('vit.') for name in tensors):
            return dict(tensors)
        plain = {
            name.removeprefix('model.'): tensor
            for name, tensor in tensors.items()
            if not name.removeprefix('model.').startswith(('head.', 'fc.'))
        }
        if 'pos_embed' in plain:
            plain['pos_embed'] = resize_table(plain['pos_embed'], self.grid)
        last = len(self.vit.model.blocks) - 1
        made = {f'vit.model.{name}': value for name, value in plain.items()}
        for old, new in (
            (f'blocks.{last}.', 'local_block.'),
            ('norm.', 'local_norm.'),
        ):
            made |= {
                new + name.removeprefix(old): value
                for name, value in plain.items()
                if name.startswith(old)
            }
        if self.side is not None:
            made['side.table'] = self.side.table.detach()  # as initialised
        return made


def resize_table(table: Tensor, grid: tuple[int, ...]) -> Tensor:
    """Interpolate a position table ``(1, 1 + h w, d)`` to a grid, bilinearly.

    Its own grid is square or twice as high as wide; another one is returned
    as it is. The class token's row stays.
    """
    count = table.shape[1] - 1
    side = math.isqrt(count)
    half = math.isqrt(count // 2)
    if count == math.prod(grid) or count not in (side**2, 2 * half**2):
        return table
    rows = side if side**2 == count else 2 * half
    # (1, h w, d) -> (1, d, h, w)
    old = table[:, 1:].unflatten(1, (rows, count // rows)).permute(0, 3, 1, 2)
    new = interpolate(old.float(), grid, mode='bilinear')
    new = new.to(table.dtype).flatten(2).mT
    return torch.cat((table[:, :1], new), 1)
