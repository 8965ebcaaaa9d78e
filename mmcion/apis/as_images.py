"""Images of every kind that users have, as files and tensors."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

import numpy as np
import PIL.Image
import torch
from PIL.ImageOps import exif_transpose
from torch import Tensor

from mmcion.utils.checks import (
    UserError,
    check_choice,
    check_file,
    name_in_errors,
)
from mmcion.utils.images import list_images

Pixels = np.ndarray | Tensor
Image = str | os.PathLike[str] | Pixels | PIL.Image.Image
Images = Image | Iterable[Image]

# modes of Pillow that become RGB as OpenCV reads their files: 8 bits
_PIL_MODES = {
    *('1', 'L', 'LA', 'P', 'PA'),
    *('RGB', 'RGBA', 'RGBX', 'CMYK', 'YCbCr'),
}


def is_path(images: Any) -> TypeGuard[str | os.PathLike[str]]:
    """Return whether it is the path of a file or folder."""
    return isinstance(images, str | os.PathLike)


def as_images(
    images: Images, channel_order: str | None = None
) -> list[str | Tensor]:
    """Return the images that ``FeatureExtractor`` was called with, one by one.

    Returns:
        Paths, or ``(3, H, W)`` uint8 RGB tensors on the CPU.
    """
    check_choice('channel_order', channel_order, (None, 'rgb', 'bgr'))
    if isinstance(images, np.ndarray) and images.dtype.kind in 'OSU':
        images = images.ravel().tolist()
        # paths of a TrackletTable are bytes
        images = [
            os.fsdecode(x) if isinstance(x, bytes) else x for x in images
        ]
    elif isinstance(images, Pixels):
        return list(_as_tensors(images, channel_order, stacked=True))
    elif is_path(images) and os.path.isdir(images):  # '' is none
        images = [Path(images) / name for name in list_images(Path(images))]
    elif is_path(images) or isinstance(images, PIL.Image.Image):
        images = [images]
    elif isinstance(images, bytes | Mapping) or not isinstance(
        images, Iterable
    ):
        _refuse(images)
    images = [*images]
    items: list[str | Tensor] = []
    for index, image in enumerate(images):
        with name_in_errors(f'images[{index}]'):
            items += _as_items(image, channel_order)
    pixels = [isinstance(image, Pixels) for image in images]
    if channel_order and pixels and not any(pixels):
        raise UserError(f'files need no channel_order; got {channel_order!r}.')
    return items


def _as_items(image: Any, channel_order: str | None) -> Iterable[str | Tensor]:
    """Return the one image of an element."""
    if is_path(image):
        if not os.path.isfile(image):
            is_folder = os.path.isdir(image)
            hint = 'Pass a folder alone, not in a list.' if is_folder else ''
            check_file(Path(image), 'image', hint)
        return [os.fspath(image)]
    if not isinstance(image, PIL.Image.Image):
        return _as_tensors(image, channel_order)
    if image.mode not in _PIL_MODES:
        raise UserError(f'PIL images must have 8 bits; got mode {image.mode}.')
    try:
        # upright and without alpha, as its file would be read
        array = np.array(exif_transpose(image).convert('RGB'))
    except OSError as error:  # Pillow decodes when it is asked for pixels
        raise UserError(f'the PIL image cannot be read: {error}') from error
    return [torch.from_numpy(array).permute(2, 0, 1)]


def _as_tensors(
    images: Any, channel_order: str | None, stacked: bool = False
) -> Tensor:
    """Return one image, or a stack of them, as ``(N, 3, H, W)`` uint8 RGB."""
    array = isinstance(images, np.ndarray)
    if isinstance(images, Tensor):
        images = images.detach().cpu()
    if array and channel_order is None:
        raise UserError(
            "an array needs channel_order: 'bgr' if OpenCV read it, or 'rgb'."
        )
    tensor, values = torch.zeros(0), ''
    if array and images.dtype == np.uint8 and images.ndim >= 3:
        # torch does not know negative strides, as of image[..., ::-1]
        channels_first = np.ascontiguousarray(np.moveaxis(images, -1, -3))
        tensor = torch.from_numpy(channels_first)
    elif isinstance(images, Tensor) and images.dtype == torch.uint8:
        tensor = images
    elif isinstance(images, Tensor):
        low, high = map(float, images.aminmax() if images.numel() else (0, 0))
        values = f' from {low:.3g} to {high:.3g}'
        if images.is_floating_point() and low >= 0 and high <= 1:
            # as an image file would hold them, for the same feature
            tensor = images.mul(255).round().to(torch.uint8)
    # (3, H, W), or (N, 3, H, W) outside a list
    shape = tensor.shape[-3:]
    is_image = len(shape) == 3 and shape[0] == 3 and 0 not in shape[1:]
    if not is_image or tensor.dim() > 3 + stacked:
        _refuse(images, values)
    tensor = tensor if tensor.dim() == 4 else tensor[None]
    return tensor.flip(1) if channel_order == 'bgr' else tensor


def _refuse(images: Any, values: str = '') -> NoReturn:
    """Raise ``UserError`` with what was given; ``values`` is their range."""
    found = type(images).__name__
    if hasattr(images, 'dtype'):
        found = f'{found} {tuple(images.shape)} {images.dtype}{values}'
    raise UserError(
        'images must be files, PIL images, uint8 arrays (H, W, 3), tensors '
        '(3, H, W) of uint8 or in [0, 1], or stacks or lists of these; got '
        f'{found}. Only the model itself takes normalised images.'
    )
