"""Random parameters of a view, drawn before any pixel is computed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from mmcion.structures import ViewPlan
from mmcion.structures.view_plan import BRIGHTNESS, CONTRAST, HUE, SATURATION

from .image_ops import (
    Box,
    Jitter,
    blur,
    jitter_colours,
    random_box,
    resize_crop,
    solarize,
    to_grey,
)

# ranges of the factors, and of the shift of hue in turns
_JITTER = {
    BRIGHTNESS: (0.6, 1.4),
    CONTRAST: (0.6, 1.4),
    SATURATION: (0.8, 1.2),
    HUE: (-0.1, 0.1),
}
_FLIP, _JITTERED, _GREY = 0.5, 0.8, 0.2  # probabilities
_SIGMA = (0.1, 2.0)  # of the blur in pixels


class ViewKind(NamedTuple):
    """Distribution that views are drawn from."""

    size: tuple[int, int]  # height and width of the view
    scale: tuple[float, float]  # range of the crop's fraction of the area
    ratio: tuple[float, float]  # range of the crop's width / height
    blurred: float  # probability
    solarized: float  # probability


class RandomView(NamedTuple):
    """Parameters of one view."""

    size: tuple[int, int]  # height and width of the view
    box: Box  # that is cropped
    flip: bool  # horizontally
    jitter: Jitter  # changes of colour, in order
    grey: bool
    sigma: float  # of the blur in pixels; 0 for none
    solarize: bool

    @classmethod
    def draw(
        cls, kind: ViewKind, image_size: tuple[int, int], rng: Random
    ) -> RandomView:
        """Draw the view of an image of this height and width."""
        return cls(
            size=kind.size,
            box=random_box(image_size, kind.scale, kind.ratio, rng),
            flip=rng.random() < _FLIP,
            jitter=_draw_jitter(rng) if rng.random() < _JITTERED else [],
            grey=rng.random() < _GREY,
            sigma=rng.uniform(*_SIGMA) if rng.random() < kind.blurred else 0.0,
            solarize=rng.random() < kind.solarized,
        )

    def apply(self, image: Tensor) -> Tensor:
        """Return the view of an image, uint8 ``(3, H, W) -> (3, h, w)``."""
        view = resize_crop(image, self.box, self.size)  # (h, w, 3)
        if self.flip:
            view = cv2.flip(view, 1)
        if self.jitter:
            view = jitter_colours(view, self.jitter)
        if self.grey:
            view = to_grey(view)
        if self.sigma:
            view = blur(view, self.sigma)
        if self.solarize:
            view = solarize(view)
        return torch.from_numpy(view).permute(2, 0, 1)


def plan_views(image: Tensor, views: Sequence[RandomView]) -> ViewPlan:
    """Return the plan of V views of an image ``(3, H, W)``."""
    amounts = np.zeros((len(views), len(_JITTER)), np.float32)
    order = np.full((len(views), len(_JITTER)), -1)
    # (V, 4): amounts by change, and the order of the changes
    for v, view in enumerate(views):
        for place, (change, amount) in enumerate(view.jitter):
            order[v, place], amounts[v, change] = change, amount
    return ViewPlan(
        images=image.permute(1, 2, 0),
        boxes=torch.tensor([view.box for view in views]),
        flips=torch.tensor([view.flip for view in views]),
        amounts=torch.from_numpy(amounts),
        order=torch.from_numpy(order),
        greys=torch.tensor([view.grey for view in views]),
        sigmas=torch.tensor([view.sigma for view in views]),
        solarized=torch.tensor([view.solarize for view in views]),
        sizes=torch.tensor([view.size for view in views]),
    )


def _draw_jitter(rng: Random) -> Jitter:
    """Draw as torchvision's ``ColorJitter`` does, in random order."""
    jitter = [(change, rng.uniform(*r)) for change, r in _JITTER.items()]
    rng.shuffle(jitter)
    return jitter
