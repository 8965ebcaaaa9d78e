"""Augmentations of a batch of images, each by its own amount.

Images are RGB floats of 0 to 255, ``(N, 3, H, W)``; amounts are ``(N,)``.
Resizing and blurring are products with one band matrix per image and axis,
because libraries resize a whole batch by one box. Results equal those of
MultiCrop on the CPU, except that they are not rounded to integers in between.
"""

from __future__ import annotations

import torch
from torch import Tensor

_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow and OpenCV
_CUBIC = -0.5  # Pillow's; OpenCV and plain torch have -0.75


def resize_matrix(
    start: Tensor, length: Tensor, in_size: int, out_size: int
) -> Tensor:
    """Return the matrix that resizes an interval of an axis.

    Bicubic and antialiased: where the interval shrinks, the kernel is widened
    by the same factor.

    Args:
        start: First pixel of the interval, of any shape S.
        length: Number of pixels of the interval, of shape S.
        in_size: Number of pixels of the axis.
        out_size: Number of pixels of the result.

    Returns:
        ``S + (out_size, in_size)`` float32; rows sum to 1.
    """
    # centres of output pixels and input pixels -> distance S + (out, in)
    out = torch.arange(out_size, device=start.device) + 0.5
    pixel = torch.arange(in_size, device=start.device)
    begin, size = start[..., None, None], length[..., None, None]
    scale = size.float() / out_size
    center = out[:, None] * scale  # from the start of the interval
    x = (pixel + 0.5 - begin - center).abs() / scale.clamp_min(1)
    # Keys' cubic convolution kernel, for |x| < 1 and 1 <= |x| < 2
    near = ((_CUBIC + 2) * x - (_CUBIC + 3)) * x.square() + 1
    far = ((_CUBIC * x - 5 * _CUBIC) * x + 8 * _CUBIC) * x - 4 * _CUBIC
    weight = torch.where(x < 1, near, torch.where(x < 2, far, 0.0))
    # nothing outside of the interval counts
    weight = weight * ((pixel >= begin) & (pixel < begin + size))
    return weight / weight.sum(-1, keepdim=True)


def blur_matrix(sigma: Tensor, size: int, reach: int) -> Tensor:
    """Return the matrix of a Gaussian blur of an axis, borders replicated.

    Args:
        sigma: Standard deviation in pixels, of any shape S; 0 for none.
        size: Number of pixels of the axis.
        reach: Number of pixels on each side that the kernel covers.

    Returns:
        ``S + (size, size)`` float32.
    """
    offset = torch.arange(-reach, reach + 1, device=sigma.device)
    taps = torch.exp(-0.5 * (offset / sigma.clamp_min(1e-3)[..., None]) ** 2)
    taps = taps / taps.sum(-1, keepdim=True)
    # weights of all taps beyond the border are added up on it
    target = torch.arange(size, device=sigma.device)[:, None] + offset
    target = target.clamp(0, size - 1).expand(*sigma.shape, -1, -1)
    weight = taps[..., None, :].expand_as(target)
    matrix = taps.new_zeros(*sigma.shape, size, size)
    return matrix.scatter_add_(-1, target, weight)


def blur(images: Tensor, sigma: Tensor, reach: int) -> Tensor:
    """Blur with a Gaussian; see ``blur_matrix``."""
    rows, columns = (
        blur_matrix(sigma, size, reach)[:, None] for size in images.shape[-2:]
    )
    return rows @ images @ columns.mT


def adjust_brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Scale all values."""
    return (images * _per_image(factor)).clamp_(0, 255)


def adjust_contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Scale the distance to the mean grey of the image."""
    mean = to_grey(images).mean((1, 2, 3), keepdim=True)
    return torch.lerp(mean, images, _per_image(factor)).clamp_(0, 255)


def adjust_saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Scale the distance of colours to their grey."""
    grey = to_grey(images)
    return torch.lerp(grey, images, _per_image(factor)).clamp_(0, 255)


def adjust_hue(images: Tensor, shift: Tensor) -> Tensor:
    """Shift the hue by a fraction of a turn of the colour wheel."""
    red, green, blue = images.unbind(1)
    # (N, H, W): HSV's value, its chroma, and the hue in sixths of a turn
    value = images.amax(1)
    chroma = value - images.amin(1)
    scale = 1 / chroma.clamp_min(1e-3)
    sixth = torch.where(
        value == red,
        (green - blue) * scale,
        torch.where(
            value == green,
            (blue - red) * scale + 2,
            (red - green) * scale + 4,
        ),
    )
    sixth = sixth + shift[:, None, None] * 6
    # back to RGB: each channel is a trapezoid of the hue
    channels = []
    for corner in (5, 3, 1):  # of red, green and blue
        place = (sixth + corner).remainder_(6)
        ratio = torch.minimum(place, 4 - place).clamp_(0, 1)
        channels.append(value - chroma * ratio)
    return torch.stack(channels, 1)


def to_grey(images: Tensor) -> Tensor:
    """Return the grey of each pixel, ``(N, 1, H, W)``."""
    weight = images.new_tensor(_GREY).view(3, 1, 1)
    return (images * weight).sum(1, keepdim=True)


def solarize(images: Tensor) -> Tensor:
    """Invert the values of 128 and more."""
    return torch.where(images < 127.5, images, 255 - images)


def _per_image(amount: Tensor) -> Tensor:
    return amount[:, None, None, None]
