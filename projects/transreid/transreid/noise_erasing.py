"""NoiseErasing: random erasing with a value of its own for every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torchvision.transforms import RandomErasing

from mmcion.registry import TRANSFORMS


@TRANSFORMS.register_module()
class NoiseErasing(RandomErasing):
    """Replace a box of an image by noise, N(0, 1) once it is normalised.

    The defaults are those of timm's ``RandomErasing`` in pixel mode, which
    TransReID uses: an area of 2 to 33 % and a log-uniform ratio of the sides.

    Args:
        mean: Mean of ``ReIDDataPreprocessor``.
        std: Standard deviation of ``ReIDDataPreprocessor``.
        p: Probability that an image is changed.
        scale: Range of the area, as a fraction of the image's.
        ratio: Range of height / width.
    """

    def __init__(
        self,
        mean: Sequence[float],
        std: Sequence[float],
        p: float = 0.5,
        scale: tuple[float, float] = (0.02, 1 / 3),
        ratio: tuple[float, float] = (0.3, 1 / 0.3),
    ) -> None:
        super().__init__(p, scale, ratio)
        self.mean = torch.tensor(mean)[:, None, None]
        self.std = torch.tensor(std)[:, None, None]

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``img`` by int16 levels: noise goes beyond 0 to 255."""
        image = results['img'].to(torch.int16)
        if torch.rand(1) < self.p:
            top, left, height, width, noise = self.get_params(
                image, self.scale, self.ratio
            )
            # the whole image stands for none of ten boxes that fits
            if noise is not image:
                box = image[:, top : top + height, left : left + width]
                box.copy_((255 * (self.mean + self.std * noise)).round())
        results['img'] = image
        return results
