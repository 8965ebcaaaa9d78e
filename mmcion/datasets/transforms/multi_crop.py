"""MultiCrop: the global and local views of self-distillation."""

from __future__ import annotations

from random import Random
from typing import Any

import torch

from mmcion.registry import TRANSFORMS
from mmcion.utils.checks import UserError, check_at_least, check_image_size

from .image_ops import resize_crop
from .random_view import RandomView, ViewKind, plan_views

# range of width / height of crops, by width / height of the global views
_RATIOS = {0.5: (0.4, 0.6), 1.0: (3 / 4, 4 / 3), 1 / 3: (0.25, 0.4)}
# probabilities of blur and solarisation
_GLOBAL_1, _GLOBAL_2, _LOCAL = (1.0, 0.0), (0.1, 0.2), (0.5, 0.0)


@TRANSFORMS.register_module()
class MultiCrop:
    """Make two global and ``num_local`` local views of ``img``.

    Source: CION, DINO's multi-crop with crops of a person's proportions.
    All views have the same probabilities of flip, colour jitter and grey.
    Blur has probability 1, 0.1 and 0.5 for the first global, the second
    global and local views, solarisation 0.2 for the second global. All
    random numbers of an image follow from one draw of torch's generator.

    Args:
        global_size: Height and width of global views.
        local_size: Height and width of local views.
        num_local: Number of local views.
        global_scale: Range of a global crop's fraction of the image's area.
        local_scale: Range of a local crop's fraction.
        ratio: Range of width / height of all crops; derived from
            ``global_size`` if None, for proportions of 1:1, 2:1 and 3:1.
        on_device: Only draw the random numbers; ``ReIDDataPreprocessor``
            makes the views on the model's device, so that workers only
            decode.
        max_size: Height and width to which larger images are reduced with
            ``on_device``, since a batch is padded to its largest image.
    """

    def __init__(
        self,
        global_size: tuple[int, int],
        local_size: tuple[int, int],
        num_local: int,
        global_scale: tuple[float, float] = (0.8, 1.0),
        local_scale: tuple[float, float] = (0.05, 0.8),
        ratio: tuple[float, float] | None = None,
        on_device: bool = False,
        max_size: tuple[int, int] = (512, 256),
    ) -> None:
        check_image_size(global_size, 'global_size')
        check_image_size(local_size, 'local_size')
        check_image_size(max_size, 'max_size')
        check_at_least(0, num_local=num_local)
        if ratio is None:
            proportion = global_size[1] / global_size[0]
            if proportion not in _RATIOS:
                raise UserError(f'global_size {global_size} needs a ratio.')
            ratio = _RATIOS[proportion]
        first = ViewKind(global_size, global_scale, ratio, *_GLOBAL_1)
        second = ViewKind(global_size, global_scale, ratio, *_GLOBAL_2)
        local = ViewKind(local_size, local_scale, ratio, *_LOCAL)
        self.kinds = [first, second, *[local] * num_local]
        self.on_device = on_device
        self.max_size = max_size

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``img`` by ``views``: V uint8 images, or a ``ViewPlan``."""
        image = results.pop('img')  # (3, H, W)
        height, width = image.shape[-2:]
        ratio = min(self.max_size[0] / height, self.max_size[1] / width)
        if self.on_device and ratio < 1:
            size = max(round(height * ratio), 1), max(round(width * ratio), 1)
            reduced = resize_crop(image, (0, 0, height, width), size)
            image = torch.from_numpy(reduced).permute(2, 0, 1)
        rng = Random(int(torch.randint(1 << 62, ())))
        size = tuple(image.shape[-2:])
        views = [RandomView.draw(kind, size, rng) for kind in self.kinds]
        if self.on_device:
            results['views'] = plan_views(image, views)
        else:
            results['views'] = [view.apply(image) for view in views]
        return results
