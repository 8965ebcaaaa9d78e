"""MultiCrop: the global and local views of self-distillation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2.functional import gaussian_blur, solarize

from mmcion.registry import TRANSFORMS

_RATIOS = {0.5: (0.4, 0.6), 1.0: (3 / 4, 4 / 3), 1 / 3: (0.25, 0.4)}
_SOLARIZE_THRESHOLD = 128


@TRANSFORMS.register_module()
class MultiCrop:
    """Make two global and ``num_local`` local views of ``img``.

    Source: CION, DINO's multi-crop with crops of a person's proportions.
    Views share flip, colour jitter and grey; blur and solarisation differ:
    blur with probability 1, 0.1 and 0.5 for the first global, the second
    global and local views, solarisation with 0.2 for the second global.

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
        self.num_local = num_local
        common = [
            v2.RandomHorizontalFlip(0.5),
            v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.2, 0.1)], p=0.8),
            v2.RandomGrayscale(0.2),
        ]
        self._global, self._local = (
            v2.Compose(
                [
                    v2.RandomResizedCrop(
                        list(size),
                        scale=scale,
                        ratio=ratio,
                        interpolation=v2.InterpolationMode.BICUBIC,
                        antialias=True,
                    ),
                    *common,
                ]
            )
            for size, scale in (
                (global_size, global_scale),
                (local_size, local_scale),
            )
        )

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``img`` by ``views``, uint8 ``(3, h, w)`` each."""
        image = results.pop('img')
        views = [
            random_blur(self._global(image), 1.0),
            random_solarize(random_blur(self._global(image), 0.1), 0.2),
        ]
        views += [
            random_blur(self._local(image), 0.5) for _ in range(self.num_local)
        ]
        results['views'] = views
        return results


def random_blur(image: Tensor, probability: float) -> Tensor:
    """Blur with a Gaussian of radius U(0.1, 2) pixels."""
    if torch.rand(()) >= probability:
        return image
    sigma = float(torch.empty(()).uniform_(0.1, 2.0))
    # three standard deviations on either side
    size = 2 * int(3 * sigma + 1) + 1
    # reflection at the border needs an image wider than half the kernel
    limit = max(2 * (min(image.shape[-2:]) // 2) - 1, 1)
    return gaussian_blur(image, [min(size, limit)] * 2, [sigma, sigma])


def random_solarize(image: Tensor, probability: float) -> Tensor:
    """Invert the pixels of 128 and more."""
    if torch.rand(()) >= probability:
        return image
    return solarize(image, _SOLARIZE_THRESHOLD)
