"""Views of an image together with the boxes that they show."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

from torchvision.transforms import RandomResizedCrop
from torchvision.transforms.functional import resized_crop

from mmcion.registry import TRANSFORMS
from mmcion.utils.checks import check_image_size

from .build_pipeline import build_pipeline

_WHOLE = (0.0, 0.0, 1.0, 1.0)


@TRANSFORMS.register_module()
class BoxedResizedCrop:
    """torchvision's ``RandomResizedCrop``, which also notes its box.

    Args:
        size: Height and width of the view in pixels.
        scale: Range of the crop's fraction of the image's area.
        ratio: Range of width / height of the crop.
    """

    def __init__(
        self,
        size: tuple[int, int],
        scale: tuple[float, float] = (0.2, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
    ) -> None:
        self.size = list(check_image_size(size, 'size'))
        self.scale, self.ratio = list(scale), list(ratio)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``img``; add ``crop_box``, as fractions of the image."""
        image = results['img']  # (3, H, W)
        height, width = image.shape[1:]
        box = RandomResizedCrop.get_params(image, self.scale, self.ratio)
        results['img'] = resized_crop(image, *box, self.size)
        top, left, h, w = box
        results['crop_box'] = (
            *(top / height, left / width),
            *(h / height, w / width),
        )
        return results


@TRANSFORMS.register_module()
class BoxedViews:
    """mmpretrain's ``MultiView``, which also collects ``crop_boxes``.

    Args:
        transforms: Pipelines. One without a ``BoxedResizedCrop`` shows the
            whole image.
        num_views: Number of views of each pipeline.
    """

    def __init__(
        self,
        transforms: Sequence[Sequence[dict[str, Any]]],
        num_views: Sequence[int],
    ) -> None:
        self.pipelines = [
            pipeline
            for steps, count in zip(transforms, num_views, strict=True)
            for pipeline in [build_pipeline(steps)] * count
        ]

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``img`` by ``views``; add ``crop_boxes``, one each."""
        # transforms replace images, and never write into them
        outputs = [pipeline(copy(results)) for pipeline in self.pipelines]
        results['views'] = [output['img'] for output in outputs]
        results['crop_boxes'] = [
            output.get('crop_box', _WHOLE) for output in outputs
        ]
        return results
