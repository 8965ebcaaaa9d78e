"""The kinds of images that a user may hand over."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmcion.utils.images import IMAGE_SUFFIXES as ENDINGS

Image = str | Path | np.ndarray | Tensor
Images = Image | Sequence[Image]

_ENDINGS = ENDINGS | {'.tif', '.tiff'}
_ORDERS = ('rgb', 'bgr')
_SHOWN = 3


def check_image_size(size: Any) -> tuple[int, int]:
    """Return a height and a width.

    Raises:
        ValueError: if these are not two positive whole numbers.
    """
    if (
        not isinstance(size, Sequence)
        or len(size) != 2
        or not all(
            isinstance(side, Integral) and int(side) > 0 for side in size
        )
    ):
        raise ValueError(
            f'image_size must be two positive whole numbers, height and '
            f'width; got {size!r}'
        )
    return int(size[0]), int(size[1])


def list_images(folder: str | Path) -> list[Path]:
    """Return the image files of a folder and those below it, sorted.

    Raises:
        FileNotFoundError: if there is no such folder, or no image in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f'there is no folder {folder}')
    found = sorted(
        path
        for path in folder.rglob('*')
        if path.suffix.lower() in _ENDINGS
        and not path.name.startswith('.')
        and path.is_file()
    )
    if not found:
        raise FileNotFoundError(
            f'{folder} has no image ({", ".join(sorted(_ENDINGS))}), nor has '
            f'a folder below it.'
        )
    return found


def as_images(
    images: Images, channel_order: str | None = None
) -> list[str | Tensor]:
    """Return each image as the path of a file or as a tensor.

    Args:
        images: a file or a folder; an array ``(H, W, 3)`` or ``(N, H, W, 3)``
            uint8; a tensor ``(3, H, W)`` or ``(N, 3, H, W)``, uint8 or in
            [0, 1]; or a list of files, of arrays or of tensors.
        channel_order: ``'rgb'`` or ``'bgr'``, as OpenCV reads. Arrays must
            have it; tensors are RGB without it; files say it themselves.

    Returns:
        Paths, or ``(3, H, W)`` uint8 RGB tensors on the CPU.

    Raises:
        FileNotFoundError: if a file or folder is missing.
        ValueError: if shape, type, range or ``channel_order`` is not such.
    """
    if channel_order not in (None, *_ORDERS):
        raise ValueError(
            f'channel_order must be one of {_ORDERS}; got {channel_order!r}'
        )
    if isinstance(images, str | Path) and Path(images).is_dir():
        images = list_images(images)
    if isinstance(images, str | Path):
        images = [images]
    if isinstance(images, Sequence):
        paths = [str(x) for x in images if isinstance(x, str | Path)]
        if paths and len(paths) == len(images):
            return _files(paths, channel_order)
        single = [_tensors(x, channel_order, 3) for x in images]
        return [image for group in single for image in group]
    return list(_tensors(images, channel_order, 4))


def _files(paths: list[str], channel_order: str | None) -> list[str | Tensor]:
    """Check that files exist."""
    if channel_order is not None:
        raise ValueError(
            'channel_order is for arrays and tensors; files say it '
            'themselves. Leave it out.'
        )
    if missing := [path for path in paths if not os.path.isfile(path)]:
        for path in missing:
            if os.path.isdir(path):
                raise ValueError(
                    f'{path} is a folder; a list must hold images only, and '
                    f'a folder is passed alone.'
                )
        shown = ', '.join(missing[:_SHOWN])
        more = ', ...' if len(missing) > _SHOWN else ''
        raise FileNotFoundError(
            f'{len(missing)} of {len(paths)} images are not there: '
            f'{shown}{more}'
        )
    return [*paths]


def _tensors(
    images: Image, channel_order: str | None, most_dims: int
) -> Tensor:
    """Return one image or, with ``most_dims`` 4, several: (N, 3, H, W)."""
    if isinstance(images, np.ndarray):
        tensor = _array(images, channel_order)
    elif isinstance(images, Tensor):
        tensor = _bytes(images.detach().cpu())
    else:
        raise ValueError(
            f'images must be paths, arrays or tensors, all of one kind; got '
            f'a {type(images).__name__} among them.'
        )
    if tensor.dim() not in (3, most_dims) or tensor.shape[-3] != 3:
        raise ValueError(
            'an array must be (H, W, 3) and a tensor (3, H, W)'
            + (', or several of one size stacked' if most_dims == 4 else '')
            + f'; got {tuple(images.shape)}.'
        )
    if 0 in tensor.shape[-2:]:
        raise ValueError(f'an image has no pixel; got {tuple(images.shape)}.')
    tensor = tensor if tensor.dim() == 4 else tensor[None]
    return tensor.flip(1) if channel_order == 'bgr' else tensor


def _array(image: np.ndarray, channel_order: str | None) -> Tensor:
    """Put the channels of an array first."""
    if channel_order is None:
        raise ValueError(
            "an array needs channel_order: 'bgr' if OpenCV read it, 'rgb' if "
            'PIL did. The wrong one gives other features and no error.'
        )
    if image.dtype != np.uint8 or image.ndim < 3:
        raise ValueError(
            f'an array must be (H, W, 3) uint8; got {image.shape} '
            f'{image.dtype}.'
        )
    # torch knows no negative strides
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(image, -1, -3)))


def _bytes(image: Tensor) -> Tensor:
    """Return values in [0, 1] as bytes, as those of files are."""
    if image.dtype == torch.uint8:
        return image
    if not image.is_floating_point():
        raise ValueError(
            f'a tensor must be uint8, or float in [0, 1]; got {image.dtype}.'
        )
    least, most = image.aminmax() if image.numel() else (image, image)
    if image.numel() and not (least >= 0 and most <= 1):
        raise ValueError(
            f'a float tensor must be in [0, 1]; got {least:.3g} to '
            f'{most:.3g}. What is normalised already goes to the model '
            f'itself.'
        )
    return image.mul(255).round().to(torch.uint8)
