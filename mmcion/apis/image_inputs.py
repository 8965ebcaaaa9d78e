"""The kinds of images that a user may pass."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmcion.utils.checks import UserError, check_choice, join_names
from mmcion.utils.images import list_images

Image = str | Path | np.ndarray | Tensor
Images = Image | Sequence[Image]


def as_images(
    images: Images, channel_order: str | None = None
) -> list[str | Tensor]:
    """Return each image as the path of a file or as a tensor.

    Args:
        images: A file or a folder; an array ``(H, W, 3)`` or ``(N, H, W, 3)``
            uint8; a tensor ``(3, H, W)`` or ``(N, 3, H, W)``, uint8 or in
            [0, 1]; or a list of files, of arrays or of tensors.
        channel_order: ``'rgb'``, or ``'bgr'`` as OpenCV reads. Required for
            arrays, ``'rgb'`` if None for tensors, not for files.

    Returns:
        Paths, or ``(3, H, W)`` uint8 RGB tensors on the CPU.

    Raises:
        FileNotFoundError: If a file or folder is missing.
        UserError: For another shape, type, range or ``channel_order``.
    """
    check_choice('channel_order', channel_order, (None, 'rgb', 'bgr'))
    if isinstance(images, str | Path) and Path(images).is_dir():
        images = [str(Path(images, name)) for name in list_images(images)]
    if isinstance(images, str | Path):
        images = [images]
    if not isinstance(images, Sequence):
        return list(_as_tensors(images, channel_order, stacked=True))
    paths = [str(x) for x in images if isinstance(x, str | Path)]
    if not paths or len(paths) < len(images):
        single = [_as_tensors(x, channel_order) for x in images]
        return [image for group in single for image in group]
    if channel_order is not None:
        raise UserError(
            'channel_order is for arrays and tensors; files have their own. '
            'Leave it out.'
        )
    if folders := [path for path in paths if os.path.isdir(path)]:
        raise UserError(
            f'{folders[0]} is a folder; a list must hold images only. Pass '
            f'the folder alone.'
        )
    if missing := [path for path in paths if not os.path.isfile(path)]:
        raise FileNotFoundError(
            f'{len(missing)} of {len(paths)} images do not exist: '
            f'{join_names(missing)}'
        )
    return [*paths]


def _as_tensors(
    images: Image, channel_order: str | None, stacked: bool = False
) -> Tensor:
    """Return one image, or a stack of them, as ``(N, 3, H, W)`` uint8 RGB."""
    if isinstance(images, np.ndarray):
        if channel_order is None:
            raise UserError(
                "an array needs channel_order: 'bgr' if OpenCV read it, 'rgb' "
                'if PIL did. The wrong one gives other features and no error.'
            )
        tensor = torch.zeros(0)
        if images.dtype == np.uint8 and images.ndim >= 3:
            # torch does not know negative strides, as of image[..., ::-1]
            channels_first = np.ascontiguousarray(np.moveaxis(images, -1, -3))
            tensor = torch.from_numpy(channels_first)
    elif isinstance(images, Tensor):
        tensor = images.detach().cpu()
        if tensor.dtype != torch.uint8:
            least, most = tensor.aminmax() if tensor.numel() else (0, 0)
            # so written, NaN fails too
            unit = tensor.is_floating_point() and least >= 0 and most <= 1
            if not unit:
                raise UserError(
                    f'a tensor must be uint8 or float in [0, 1]; got '
                    f'{tensor.dtype} from {float(least):.3g} to '
                    f'{float(most):.3g}. Images that are normalised already '
                    f'go to the model itself.'
                )
            # as an image file would hold them, for the same feature
            tensor = tensor.mul(255).round().to(torch.uint8)
    else:
        raise UserError(
            f'images must be paths, arrays or tensors, all of one kind; got '
            f'a {type(images).__name__} among them.'
        )
    # (3, H, W), or (N, 3, H, W) outside a list
    dims = (3, 4) if stacked else (3,)
    if (
        tensor.dim() not in dims
        or tensor.shape[-3] != 3
        or 0 in tensor.shape[-2:]
    ):
        raise UserError(
            f'an array must be (H, W, 3) uint8 and a tensor (3, H, W)'
            f'{", or several of one size stacked" if stacked else ""}, with '
            f'at least one pixel; got {tuple(images.shape)} {images.dtype}.'
        )
    tensor = tensor if tensor.dim() == 4 else tensor[None]
    return tensor.flip(1) if channel_order == 'bgr' else tensor
