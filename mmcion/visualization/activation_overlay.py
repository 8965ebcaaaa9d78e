"""Activation maps as warm colours over their images."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from PIL import Image

from .tiles import Tile, TileGroup, read_image

_COLORMAP = 'inferno'  # its lightness rises with the value


def activation_overlay(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Colour an image by a map; parts that add nothing stay grey and dark.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        heat: ``(h, w)`` in [0, 1]; it is stretched over the image.

    Returns:
        ``(H, W, 3)`` uint8 RGB.
    """
    # (h, w) -> (H, W) -> (H, W, 3)
    wide = Image.fromarray(heat.astype(np.float32)).resize(
        (image.shape[1], image.shape[0]), Image.Resampling.BILINEAR
    )
    colors = matplotlib.colormaps[_COLORMAP](np.asarray(wide))[..., :3] * 255
    grey = image.astype(np.float32).mean(axis=2, keepdims=True)
    return np.rint(0.5 * grey + 0.5 * colors).astype(np.uint8)


def activation_group(
    images: np.ndarray,
    maps: np.ndarray,
    *,
    names: Sequence[str],
    notes: Sequence[str] | None = None,
    heading: str = '',
) -> TileGroup:
    """Show images ``(N, H, W, 3)``, each followed by its map ``(h, w)``.

    ``names`` are the lines below the images, ``notes`` those below the maps.
    """
    tiles = []
    for image, heat, name, note in zip(
        images, maps, names, notes or [''] * len(images), strict=True
    ):
        overlay = activation_overlay(image, heat)
        for array, caption in ((image, name), (overlay, note)):
            tiles.append(Tile(read_image(array), caption, name=name))
    return TileGroup([tiles], heading)
