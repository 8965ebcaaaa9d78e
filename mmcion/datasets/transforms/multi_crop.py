"""MultiCrop: the global and local views of self-distillation."""

from __future__ import annotations

from random import Random
from typing import Any

import torch
from torch import Tensor

from mmcion.registry import TRANSFORMS

from .image_ops import resize_crop
from .random_view import RandomView, ViewKind, plan_views

_RATIOS = {0.5: (0.4, 0.6), 1.0: (3 / 4, 4 / 3), 1 / 3: (0.25, 0.4)}
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
        on_device: only draw; ``ReIDDataPreprocessor`` makes the views on the
            model's device from the same random numbers, so that workers do
            nothing but decode.
        max_size: with ``on_device``, images beyond this height or width are
            reduced to it first, since a batch is as large as its largest.

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
        on_device: bool = False,
        max_size: tuple[int, int] = (512, 256),
    ) -> None:
        if ratio is None:
            proportion = global_size[1] / global_size[0]
            if proportion not in _RATIOS:
                raise ValueError(
                    f'no known crop ratio for global_size {global_size}; '
                    f'give ratio=(smallest, largest) width / height.'
                )
            ratio = _RATIOS[proportion]
        self.kinds = [
            ViewKind(global_size, global_scale, ratio, *_GLOBAL_1),
            ViewKind(global_size, global_scale, ratio, *_GLOBAL_2),
        ]
        local = ViewKind(local_size, local_scale, ratio, *_LOCAL)
        self.kinds += [local] * num_local
        self.on_device = on_device
        self.max_size = max_size

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``img`` by ``views``.

        They are a list of uint8 ``(3, h, w)``, or a ``ViewPlan``.
        """
        image = results.pop('img')
        if self.on_device:
            image = self._reduced(image)
        rng = Random(int(torch.randint(1 << 62, ())))
        size = tuple(image.shape[-2:])
        views = [RandomView.draw(kind, size, rng) for kind in self.kinds]
        if self.on_device:
            results['views'] = plan_views(image, views)
        else:
            results['views'] = [view.of(image) for view in views]
        return results

    def _reduced(self, image: Tensor) -> Tensor:
        """Return the image, no larger than ``max_size``."""
        height, width = image.shape[-2:]
        share = min(self.max_size[0] / height, self.max_size[1] / width)
        if share >= 1:
            return image
        size = max(round(height * share), 1), max(round(width * share), 1)
        whole = 0, 0, height, width
        return torch.from_numpy(resize_crop(image, whole, size)).permute(
            2, 0, 1
        )
