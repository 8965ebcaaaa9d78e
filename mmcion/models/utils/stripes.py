"""Horizontal stripes of images, in feature maps of their crops.

Stripes have equal height and the width of the image; where a crop ends they
are cut off. Source: ours, for UP-ReID.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import roi_align

from mmcion.utils.checks import UserError

_VISIBLE = 0.5  # smallest fraction of a stripe's area in a crop


def pool_stripes(maps: Tensor, boxes: Tensor, num_stripes: int) -> Tensor:
    """Average each stripe over its part of a crop's map, by RoIAlign.

    For crops of whole images these are the means of equally many rows each,
    if there are.

    Args:
        maps: ``(N, d, h, w)`` of N crops.
        boxes: ``(N, 4)``: top, left, height and width of each crop, as
            fractions of the image.
        num_stripes: Number S of stripes of an image, at most h.

    Returns:
        ``(N, S, d)`` float32; any numbers for stripes outside of the crop.
    """
    rows, columns = maps.shape[2:]
    if num_stripes > rows:
        raise UserError(f'num_stripes={num_stripes}: maps have {rows} rows.')
    # (N, S) -> (N S, 5): image, left, top, right and bottom in the map
    upper, lower = (x * rows for x in _edges(boxes, num_stripes))
    image = torch.arange(len(maps), device=maps.device)[:, None]
    left = torch.zeros_like(upper)
    regions = torch.stack(
        (image.expand_as(left), left, upper, left + columns, lower), 2
    ).flatten(0, 1)
    stripes = roi_align(maps.float(), regions, output_size=1, aligned=True)
    return stripes.view(-1, num_stripes, maps.shape[1])


def visible_stripes(boxes: Tensor, num_stripes: int) -> Tensor:
    """Return which stripes have at least half of their area in a crop.

    ``(N, 4) -> (N, S)`` bool; boxes are those of ``pool_stripes``.
    """
    upper, lower = _edges(boxes, num_stripes)
    # fraction of the crop's height -> of the stripe's area
    height, width = boxes[:, 2:3], boxes[:, 3:]
    return (lower - upper) * height * num_stripes * width >= _VISIBLE


def _edges(boxes: Tensor, num_stripes: int) -> tuple[Tensor, Tensor]:
    """Return upper and lower edges ``(N, S)`` as fractions of the crops."""
    edges = torch.arange(num_stripes + 1, device=boxes.device) / num_stripes
    inside = ((edges - boxes[:, :1]) / boxes[:, 2:3]).clamp(0, 1)
    return inside[:, :-1], inside[:, 1:]
