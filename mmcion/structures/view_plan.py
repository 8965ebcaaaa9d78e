"""ViewPlan: images, and the random parameters of their views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mmcion.utils.checks import UserError

# indices of colour changes in ``ViewPlan.order`` and ``ViewPlan.amounts``
BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)


class ViewPlan(NamedTuple):
    """Parameters that a worker has drawn, for views made on the device.

    B images have V views each; the plan of a single image has no axis B.

    Attributes:
        images: ``(B, H, W, 3)`` uint8 RGB; smaller ones are padded below and
            to the right, where no box reaches.
        boxes: ``(B, V, 4)`` int64: top, left, height and width of the crop.
        flips: ``(B, V)`` bool: flipped horizontally.
        amounts: ``(B, V, 4)`` float32: factors of brightness, contrast and
            saturation, and the shift of hue in turns of the colour wheel.
        order: ``(B, V, 4)`` int64: indices of these in the order in which
            they are applied; -1 without colour jitter.
        greys: ``(B, V)`` bool: converted to grey.
        sigmas: ``(B, V)`` float32: standard deviation of the Gaussian blur in
            pixels; 0 for none.
        solarized: ``(B, V)`` bool: values of 128 and more are inverted.
        sizes: ``(V, 2)`` int64: height and width of the views.
    """

    images: Tensor
    boxes: Tensor
    flips: Tensor
    amounts: Tensor
    order: Tensor
    greys: Tensor
    sigmas: Tensor
    solarized: Tensor
    sizes: Tensor

    @classmethod
    def stack(cls, plans: Sequence[ViewPlan]) -> ViewPlan:
        """Batch the plans of single images, which have the same views."""
        sizes = plans[0].sizes
        if not all(torch.equal(plan.sizes, sizes) for plan in plans):
            raise UserError('images of a batch must have equal view sizes.')
        shapes = [tuple(plan.images.shape) for plan in plans]
        largest = [max(lengths) for lengths in zip(*shapes, strict=True)]
        # (B, H, W, 3), padded with zeros
        images = torch.zeros(len(plans), *largest, dtype=torch.uint8)
        for image, plan, (height, width, _) in zip(
            images, plans, shapes, strict=True
        ):
            image[:height, :width] = plan.images
        columns = {
            name: torch.stack([getattr(plan, name) for plan in plans])
            for name in cls._fields
            if name not in ('images', 'sizes')
        }
        return cls(images=images, sizes=sizes, **columns)
