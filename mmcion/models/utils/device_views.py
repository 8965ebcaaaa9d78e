"""Compute the views that workers have drawn, on the device."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import groupby

import torch
from torch import Tensor

from mmcion.structures import ViewPlan
from mmcion.structures.view_plan import BRIGHTNESS, CONTRAST, HUE, SATURATION

from .batched_ops import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    blur,
    resize_matrix,
    solarize,
    to_grey,
)

_CHANGES: dict[int, Callable[[Tensor, Tensor], Tensor]] = {
    BRIGHTNESS: adjust_brightness,
    CONTRAST: adjust_contrast,
    SATURATION: adjust_saturation,
    HUE: adjust_hue,
}
_SIGMAS = 4  # standard deviations that a blur covers on each side


def make_views(plan: ViewPlan, device: torch.device | str) -> list[Tensor]:
    """Crop and augment the views of a batch of images.

    Adjacent views of one size are computed together. The host never waits
    for the device, since all indices are computed on the host.

    Args:
        plan: Plan of V views of B images, on the host.
        device: Device of the result.

    Returns:
        V views ``(B, 3, h, w)``, float32 of 0 to 255.
    """
    sizes = [tuple(size) for size in plan.sizes.tolist()]
    # half precision does not hold 256 levels
    kind = torch.device(device).type
    with torch.no_grad(), torch.autocast(kind, enabled=False):
        images = plan.images.to(device, non_blocking=True).float()
        views: list[Tensor] = []
        for size, group in groupby(sizes):
            part = slice(len(views), len(views) + len(list(group)))
            views += _views_of_size(images, plan, part, size)
    return views


def _views_of_size(
    images: Tensor, plan: ViewPlan, part: slice, size: tuple[int, int]
) -> list[Tensor]:
    """Return the views of one size, in the order of MultiCrop's changes."""
    num_views = part.stop - part.start

    def flat(column: Tensor) -> Tensor:
        """Map (B, V, ...) to (B v, ...) for the v views of this size."""
        return column[:, part].flatten(0, 1)

    # (B, H, W, 3) -> (B v, 3, h, w)
    views = crop_resize(images, plan.boxes[:, part], plan.flips[:, part], size)
    # every image has its own order of the colour changes
    order, amounts = flat(plan.order), flat(plan.amounts)
    for place in range(order.shape[1]):
        for change, function in _CHANGES.items():
            chosen = order[:, place] == change
            _apply(function, views, chosen, amounts[:, change])
    _apply(lambda x, _: to_grey(x), views, flat(plan.greys))
    sigmas = flat(plan.sigmas)
    reach = math.ceil(_SIGMAS * float(sigmas.max()))
    _apply(lambda x, s: blur(x, s, reach), views, sigmas > 0, sigmas)
    _apply(lambda x, _: solarize(x), views, flat(plan.solarized))
    return list(views.unflatten(0, (-1, num_views)).unbind(1))


def crop_resize(
    images: Tensor, boxes: Tensor, flips: Tensor, size: tuple[int, int]
) -> Tensor:
    """Crop, resize and flip boxes of images to ``(B V, 3, h, w)``.

    Args:
        images: ``(B, H, W, 3)``.
        boxes: ``(B, V, 4)``, on the host.
        flips: ``(B, V)``, on the host.
        size: Height h and width w of the views.
    """
    _, in_height, in_width, channels = images.shape
    boxes, flips = (
        x.to(images.device, non_blocking=True) for x in (boxes, flips)
    )
    # (B, V, h, H) and (B, V, w, W); a flip reverses the rows of the latter
    top, left, height, width = boxes.unbind(-1)
    rows = resize_matrix(top, height, in_height, size[0])
    columns = resize_matrix(left, width, in_width, size[1])
    columns = columns.where(~flips[..., None, None], columns.flip(-2))
    # one product over all views of an image: (B, V h, H) x (B, H, W 3)
    cut = rows.flatten(1, 2) @ images.flatten(2)
    cut = cut.view(-1, size[0], in_width, channels).movedim(-1, 1)
    views = cut @ columns.flatten(0, 1)[:, None].mT
    return views.clamp_(0, 255)


def _apply(
    function: Callable[[Tensor, Tensor], Tensor],
    views: Tensor,
    chosen: Tensor,
    amounts: Tensor | None = None,
) -> None:
    """Change the chosen views ``(N, 3, h, w)`` in place."""
    # chosen and amounts are on the host, (N,)
    rows = chosen.nonzero().flatten()
    if not len(rows):
        return
    amount = (chosen if amounts is None else amounts)[rows]
    rows, amount = (
        x.to(views.device, non_blocking=True) for x in (rows, amount)
    )
    changed = function(views[rows], amount)
    views.index_copy_(0, rows, changed.expand(-1, 3, -1, -1))
