"""Where a model looks, as warm colours over its image."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from PIL import Image

from .contact_sheet import Group, Tile, contact_sheet

CELL = (96, 192)
_COLORS = 'inferno'  # its lightness rises with the value


def activation_overlay(
    image: np.ndarray, heat: np.ndarray, *, strength: float = 0.5
) -> np.ndarray:
    """Colour an image by a map: what does not count stays grey and dark.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        heat: ``(h, w)`` in [0, 1], of any size; it is stretched over the
            image.
        strength: of the colours over the image, in [0, 1].

    Returns:
        ``(H, W, 3)`` uint8 RGB.

    Raises:
        ValueError: if shapes, types or ranges are others.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            f'image must be (H, W, 3) uint8; got {image.dtype} {image.shape}.'
        )
    heat = np.asarray(heat, np.float32)
    if heat.ndim != 2 or not (heat.min() >= 0 and heat.max() <= 1):
        raise ValueError(
            f'heat must be (h, w) in [0, 1]; got {heat.shape}'
            + ('.' if heat.ndim != 2 else f', {heat.min()} to {heat.max()}.')
        )
    if not 0 <= strength <= 1:
        raise ValueError(f'strength must be in [0, 1]; got {strength}.')
    height, width = image.shape[:2]
    wide = Image.fromarray(heat).resize(
        (width, height), Image.Resampling.BILINEAR
    )
    colors = matplotlib.colormaps[_COLORS](np.asarray(wide))[..., :3] * 255
    grey = image.astype(np.float32).mean(axis=2, keepdims=True)
    mixed = (1 - strength) * grey + strength * colors
    return np.rint(mixed).astype(np.uint8)


def activation_sheet(
    images: np.ndarray,
    maps: np.ndarray,
    *,
    names: Sequence[str] | None = None,
    notes: Sequence[str] | None = None,
    reference: np.ndarray | None = None,
    pairs: int = 5,
    cell: tuple[int, int] = CELL,
) -> np.ndarray:
    """Lay out images, each beside its map.

    Args:
        images: ``(N, H, W, 3)`` uint8 RGB.
        maps: ``(N, h, w)`` in [0, 1].
        names: one line below each image.
        notes: one line below each map.
        reference: ``(H, W, 3)`` uint8 RGB, what all are compared with; it
            stands in a row of its own.
        pairs: of image and map per row.
        cell: width and height for a picture, in pixels.

    Returns:
        ``(H, W, 3)`` uint8 RGB.

    Raises:
        ValueError: if the numbers of images, maps, names and notes differ,
            or as ``activation_overlay``.
    """
    blank = [''] * len(images)
    names = blank if names is None else names
    notes = blank if notes is None else notes
    lengths = [len(each) for each in (images, maps, names, notes)]
    if len(set(lengths)) > 1:
        raise ValueError(
            f'images, maps, names and notes must have the same length; got '
            f'{lengths}.'
        )
    tiles: list[Tile | None] = []
    for image, heat, name, note in zip(
        images, maps, names, notes, strict=True
    ):
        tiles += [
            Tile(image, name),
            Tile(activation_overlay(image, heat), note),
        ]
    groups = [Group(tiles)]
    if reference is not None:
        groups[0].heading = 'Images, and what makes them alike'
        groups.insert(0, Group([Tile(reference)], 'Compared with'))
    columns = 2 * min(pairs, max(len(images), 1))
    return contact_sheet(groups, columns=columns, cell=cell)
