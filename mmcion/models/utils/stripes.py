"""Horizontal stripes of feature maps."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d
from torchvision.ops import roi_align

from mmcion.utils.checks import UserError

_VISIBLE = 0.5  # smallest fraction of a stripe's area in a view


def pool_stripes(maps: Tensor, num_stripes: int) -> Tensor:
    """Average S horizontal stripes of equal height.

    ``(N, d, h, w) -> (N, S, d)``. Stripes overlap by a row where S does not
    divide h.
    """
    if num_stripes > maps.shape[2]:
        raise UserError(
            f'num_stripes={num_stripes} is more than the {maps.shape[2]} rows '
            f'of the last feature map.'
        )
    return adaptive_avg_pool2d(maps, (num_stripes, 1)).squeeze(3).mT


def pool_aligned_stripes(
    maps: Tensor, boxes: Tensor, num_stripes: int
) -> tuple[Tensor, Tensor]:
    """Average the stripes of original images in maps of their crops.

    A stripe is cut off where the crop ends. Source: ours; RoIAlign is of
    Mask R-CNN (ICCV 2017).

    Args:
        maps: ``(N, d, h, w)`` of N crops.
        boxes: ``(N, 4)``: top, left, height and width of each crop, as
            fractions of the image.
        num_stripes: Number S of stripes of equal height of an image.

    Returns:
        ``(N, S, d)``, and which of them count, ``(N, S)`` bool: those with at
        least half of their area in the crop. The others hold any numbers.
    """
    num_images, _, rows, columns = maps.shape
    top, _, height, width = boxes.to(maps.device).float()[..., None].unbind(1)
    edges = torch.arange(num_stripes + 1, device=maps.device) / num_stripes
    # (N, S) upper and lower edge of the visible part, in rows of the map;
    # a stripe is as wide as the image, so that its columns are all there
    upper, lower = (
        ((edge - top) / height).clamp(0, 1) * rows
        for edge in (edges[:-1], edges[1:])
    )
    shown = (lower - upper) / rows * height * num_stripes * width
    visible = shown >= _VISIBLE
    # (N S, 5): image, left, top, right, bottom; any place if out of sight
    index = torch.arange(num_images, device=maps.device).repeat_interleave(
        num_stripes
    )
    left = torch.zeros_like(index)
    regions = torch.stack(
        (index, left, upper.flatten(), left + columns, lower.flatten()), 1
    )
    # bins are sampled once per row and column: rows as a whole are averaged
    stripes = roi_align(maps.float(), regions, output_size=1, aligned=True)
    return stripes.view(num_images, num_stripes, -1), visible
