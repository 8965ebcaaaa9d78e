"""Resize images within an exported graph, as ``ResizeImage`` does."""

from __future__ import annotations

import torch
from torch import Tensor


def resize_images(
    images: Tensor, size: tuple[int, int], interpolation: str
) -> Tensor:
    """Resize levels ``(N, 3, H, W)`` to ``(N, 3, h, w)``, in float64.

    Every level is that of torchvision for images of bytes, which computes in
    integers and rounds after each axis. float64 holds all sums exactly, so no
    runtime's order of adding changes one.
    """
    (rows, row_unit), (columns, column_unit) = (
        resize_matrix(images.shape[axis], new, interpolation)
        for axis, new in zip((2, 3), size, strict=True)
    )
    images = images.double() @ columns.T  # (N, 3, H, w)
    images = (images / column_unit + 0.5).floor().clamp(0, 255)
    images = rows @ images  # (N, 3, h, w)
    return (images / row_unit + 0.5).floor().clamp(0, 255)


def resize_matrix(
    old: int, new: int, interpolation: str = 'bicubic'
) -> tuple[Tensor, Tensor]:
    """Return the weights ``(new, old)`` of an antialiased resize, and a unit.

    They are whole numbers, to be divided by the unit, in float64. The kernel
    is that of Pillow and torchvision (bicubic: Catmull-Rom, a = -0.5), widened
    when an image becomes smaller, and cut at its border. Like theirs for
    images of bytes, it has as many bits as let the largest weight fit into 16
    with its sign. It is written out, because runtimes differ in what they make
    of "bicubic".
    """
    exact = torch.float64
    scale = torch.ones((), dtype=exact) * old / new
    wide = scale.clamp(min=1.0)
    centre = (
        torch.arange(new, dtype=exact)[:, None] + 0.5
    ) * scale  # (new, 1)
    distance = (
        torch.arange(old, dtype=exact)[None] + 0.5 - centre
    ).abs() / wide
    if interpolation == 'bilinear':
        weights = (1 - distance).clamp_min(0)
    else:
        near = (1.5 * distance - 2.5) * distance**2 + 1
        far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
        weights = torch.where(distance < 1, near, far)
        weights = torch.where(distance < 2, weights, 0.0)
    weights = weights / weights.sum(1, keepdim=True)
    # as many bits, 22 at most, as keep the largest one below 2^15
    units = 2 ** torch.arange(1, 23, dtype=exact)
    fits = (weights.max() * units + 0.5).floor() < 2**15
    unit = 2 ** fits.sum().double()
    # halves are rounded away from zero
    whole = (weights.abs() * unit + 0.5).floor() * weights.sign()
    return whole, unit
