"""RandomErasing: cover a random box of an image."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import torch

from mmcion.registry import TRANSFORMS
from mmcion.utils.checks import check_interval

_ATTEMPTS = 100  # as fast-reid; torchvision makes 10


@TRANSFORMS.register_module()
class RandomErasing:
    """Cover a box of ``img`` by one colour, as in fast-reid.

    Unlike in torchvision, height / width of the box is uniform in its range.
    The box is smaller than the image in both directions. Source: Zhong et
    al., "Random erasing data augmentation" (AAAI 2020), algorithm 1.

    Args:
        probability: Probability that an image is changed.
        area: Range of the box's fraction of the area.
        aspect: Range of the box's height / width.
        fill: Value of each channel, in [0, 255].
    """

    def __init__(
        self,
        probability: float = 0.5,
        area: tuple[float, float] = (0.02, 0.4),
        aspect: tuple[float, float] = (0.3, 1 / 0.3),
        fill: Sequence[float] = (0, 0, 0),
    ) -> None:
        check_interval('[0, 1]', probability=probability)
        self.probability = probability
        self.area = area
        self.aspect = aspect
        self.fill = torch.tensor(fill)[:, None, None]

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change a copy of ``img``, ``(3, H, W)``."""
        if random.random() >= self.probability:
            return results
        height, width = results['img'].shape[1:]
        for _ in range(_ATTEMPTS):
            area = height * width * random.uniform(*self.area)
            aspect = random.uniform(*self.aspect)
            h = round(math.sqrt(area * aspect))
            w = round(math.sqrt(area / aspect))
            if 0 < h < height and 0 < w < width:
                top = random.randint(0, height - h)
                left = random.randint(0, width - w)
                image = results['img'].clone()
                image[:, top : top + h, left : left + w] = self.fill
                results['img'] = image
                break
        return results
