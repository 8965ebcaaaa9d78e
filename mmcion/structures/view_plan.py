"""ViewPlan: images, and what is to be done to make views of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

# the numbers that ``ViewPlan.order`` holds
BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)


class ViewPlan(NamedTuple):
    """Random changes that a worker has drawn and the device is to make.

    B images have V views each; of a single image, no tensor has its B.

    Attributes:
        images: ``(B, H, W, 3)`` uint8 RGB; smaller ones are padded below and
            to the right, where no box reaches.
        boxes: ``(B, V, 4)`` int64: top, left, height and width of the crop.
        flips: ``(B, V)`` bool: mirrored?
        amounts: ``(B, V, 4)`` float32: factors of brightness, contrast and
            saturation, and the shift of hue in turns of the colour wheel.
        order: ``(B, V, 4)`` int64: which of these comes first, and so on; -1
            where colours are not jittered.
        greys: ``(B, V)`` bool: turned to grey?
        sigmas: ``(B, V)`` float32: of the Gaussian blur in pixels; 0 is none.
        solarized: ``(B, V)`` bool: values of 128 and more inverted?
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
        """Make a batch of the plans of single images.

        Raises:
            ValueError: if their views differ in number or size.
        """
        sizes = plans[0].sizes
        if not all(torch.equal(plan.sizes, sizes) for plan in plans):
            raise ValueError('images of one batch must have the same views.')
        shapes = [tuple(plan.images.shape) for plan in plans]
        largest = [max(lengths) for lengths in zip(*shapes, strict=True)]
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
