"""MultiCrop: the global and local views of self-distillation."""

from __future__ import annotations

from random import Random
from typing import Any

import cv2
import torch
from torch import Tensor

from mmcion.registry import TRANSFORMS

from .image_ops import (
    blur,
    jitter_colours,
    random_box,
    resize_crop,
    solarize,
    to_grey,
)

_RATIOS = {0.5: (0.4, 0.6), 1.0: (3 / 4, 4 / 3), 1 / 3: (0.25, 0.4)}
# brightness, contrast, saturation, hue
_JITTER = (0.4, 0.4, 0.2, 0.1)
_FLIP, _JITTERED, _GREY = 0.5, 0.8, 0.2
_SIGMA = (0.1, 2.0)  # pixels
# how often the first and second global and local views are blurred and
# solarised
_GLOBAL_1, _GLOBAL_2, _LOCAL = (1.0, 0.0), (0.1, 0.2), (0.5, 0.0)


@TRANSFORMS.register_module()
class MultiCrop:
    """Make two global and ``num_local`` local views of ``img``.

    Source: CION, DINO's multi-crop with crops of a person's proportions.
    Views share flip, colour jitter and grey; blur and solarisation differ:
    blur with probability 1, 0.1 and 0.5 for the first global, the second
    global and local views, solarisation with 0.2 for the second global. All
    random numbers of an image follow from one draw of torch's.

    Args:
        global_size: height and width of global views.
        local_size: height and width of local views.
        num_local: number of local views.
        global_scale: share of the image's area in a global crop.
        local_scale: the same of a local crop.
        ratio: width / height of all crops; derived from ``global_size`` if
            None, where its proportions are 1:1, 2:1 or 3:1.

    Raises:
        ValueError: if ``ratio`` is None and the proportions are others.
    """

    def __init__(
        self,
        global_size: tuple[int, int] = (256, 128),
        local_size: tuple[int, int] = (128, 64),
        num_local: int = 8,
        global_scale: tuple[float, float] = (0.8, 1.0),
        local_scale: tuple[float, float] = (0.05, 0.8),
        ratio: tuple[float, float] | None = None,
    ) -> None:
        if ratio is None:
            proportion = global_size[1] / global_size[0]
            if proportion not in _RATIOS:
                raise ValueError(
                    f'no known crop ratio for global_size {global_size}; '
                    f'give ratio=(smallest, largest) width / height.'
                )
            ratio = _RATIOS[proportion]
        self.ratio = ratio
        self.global_size, self.local_size = global_size, local_size
        self.global_scale, self.local_scale = global_scale, local_scale
        self.num_local = num_local

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``img`` by ``views``, uint8 ``(3, h, w)`` each."""
        image = results.pop('img')
        rng = Random(int(torch.randint(1 << 62, ())))
        kinds = [(_GLOBAL_1, self.global_size, self.global_scale)]
        kinds += [(_GLOBAL_2, self.global_size, self.global_scale)]
        kinds += [(_LOCAL, self.local_size, self.local_scale)] * self.num_local
        results['views'] = [self._view(image, *kind, rng) for kind in kinds]
        return results

    def _view(
        self,
        image: Tensor,
        often: tuple[float, float],
        size: tuple[int, int],
        scale: tuple[float, float],
        rng: Random,
    ) -> Tensor:
        """Make one view; ``often`` it is blurred and solarised."""
        height, width = image.shape[-2:]
        box = random_box((height, width), scale, self.ratio, rng)
        view = resize_crop(image, box, size)
        if rng.random() < _FLIP:
            view = cv2.flip(view, 1)
        if rng.random() < _JITTERED:
            view = jitter_colours(view, *_JITTER, rng)
        if rng.random() < _GREY:
            view = to_grey(view)
        if rng.random() < often[0]:
            view = blur(view, rng.uniform(*_SIGMA))
        if rng.random() < often[1]:
            view = solarize(view)
        return torch.from_numpy(view).permute(2, 0, 1)
