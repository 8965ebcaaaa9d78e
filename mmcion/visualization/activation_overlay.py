"""Activation maps as warm colours over their images."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from PIL import Image

from mmcion.utils.checks import UserError, check_interval

from .tiles import Tile, TileGroup, read_image

_COLORMAP = 'inferno'  # its lightness rises with the value


def activation_overlay(
    image: np.ndarray, heat: np.ndarray, *, strength: float = 0.5
) -> np.ndarray:
    """Colour an image by a map; what adds nothing stays grey and dark.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        heat: ``(h, w)`` in [0, 1]; it is stretched over the image.
        strength: Weight of the colours over the image, in [0, 1].

    Returns:
        ``(H, W, 3)`` uint8 RGB.

    Raises:
        UserError: if shapes, types or ranges are others.
    """
    check_interval('[0, 1]', strength=strength)
    heat = np.asarray(heat, np.float32)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise UserError(
            f'image must be (H, W, 3) uint8; got {image.dtype} {image.shape}.'
        )
    if heat.ndim != 2 or not (heat.min() >= 0 and heat.max() <= 1):
        raise UserError(
            f'heat must be (h, w) in [0, 1]; got {heat.shape}, '
            f'{heat.min()} to {heat.max()}.'
        )
    # (h, w) -> (H, W) -> (H, W, 3)
    wide = Image.fromarray(heat).resize(
        (image.shape[1], image.shape[0]), Image.Resampling.BILINEAR
    )
    colors = matplotlib.colormaps[_COLORMAP](np.asarray(wide))[..., :3] * 255
    grey = image.astype(np.float32).mean(axis=2, keepdims=True)
    mixed = (1 - strength) * grey + strength * colors
    return np.rint(mixed).astype(np.uint8)


def activation_group(
    images: np.ndarray,
    maps: np.ndarray,
    *,
    names: Sequence[str],
    notes: Sequence[str] | None = None,
    heading: str = '',
) -> TileGroup:
    """Show images, each followed by its map.

    Args:
        images: ``(N, H, W, 3)`` uint8 RGB.
        maps: ``(N, h, w)`` in [0, 1].
        names: Line below each image.
        notes: Line below each map.
        heading: Line above them.
    """
    tiles = []
    for image, heat, name, note in zip(
        images, maps, names, notes or [''] * len(images), strict=True
    ):
        overlay = activation_overlay(image, heat)
        for array, caption in ((image, name), (overlay, note)):
            tiles.append(Tile(read_image(array), caption, name=name))
    return TileGroup([tiles], heading)
