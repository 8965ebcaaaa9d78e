"""ResizeImage: resize images to one size."""

from __future__ import annotations

from typing import Any

from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import resize

from mmcion.registry import TRANSFORMS
from mmcion.utils.checks import check_image_size


@TRANSFORMS.register_module()
class ResizeImage:
    """Resize ``img`` to ``size``, bicubic and antialiased.

    Args:
        size: Height and width in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = list(check_image_size(size, 'size'))

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``img``."""
        results['img'] = resize(
            results['img'], self.size, InterpolationMode.BICUBIC
        )
        return results
