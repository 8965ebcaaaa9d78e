"""ResizeImage: resize images to one size."""

from __future__ import annotations

from typing import Any

from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import resize

from mmcion.registry import TRANSFORMS
from mmcion.utils.checks import check_choice, check_image_size

_MODES = ('bicubic', 'bilinear')


@TRANSFORMS.register_module()
class ResizeImage:
    """Resize ``img`` to ``size``, antialiased.

    Args:
        size: Height and width in pixels.
        interpolation: ``'bicubic'`` or ``'bilinear'``.
    """

    def __init__(
        self, size: tuple[int, int], interpolation: str = 'bicubic'
    ) -> None:
        self.size = list(check_image_size(size, 'size'))
        check_choice('interpolation', interpolation, _MODES)
        self.interpolation = InterpolationMode(interpolation)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``img``."""
        results['img'] = resize(results['img'], self.size, self.interpolation)
        return results
