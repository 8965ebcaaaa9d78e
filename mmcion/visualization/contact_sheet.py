"""Many crops of people on one sheet, in groups with headings."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from .palette import INK, MUTED, PANEL, PAPER

ImageLike = str | Path | IO[bytes] | np.ndarray

MARGIN, GAP, FRAME = 4, 10, 4
_CAPTION, _HEADING = 13, 17  # pixels of font size


@dataclass
class Tile:
    """One picture of a sheet.

    Attributes:
        image: file, path or open, or ``(H, W, 3)`` or ``(H, W)`` uint8 in
            RGB order.
        caption: one line below it; too long ones lose their middle.
        border: ``'#rrggbb'`` of the frame, or None for no frame.
    """

    image: ImageLike
    caption: str = ''
    border: str | None = None


@dataclass
class Group:
    """Tiles that belong together; None leaves a place free."""

    tiles: Sequence[Tile | None]
    heading: str = ''


def contact_sheet(
    groups: Sequence[Group],
    *,
    columns: int = 10,
    cell: tuple[int, int] = (78, 156),
) -> np.ndarray:
    """Lay out groups of pictures below each other.

    Pictures keep their aspect ratio and are centred in their cell.

    Args:
        groups: each starts on a new line.
        columns: pictures per line.
        cell: width and height for a picture, in pixels.

    Returns:
        ``(H, W, 3)`` uint8 RGB.

    Raises:
        ValueError: if ``columns`` is not positive or an image cannot be
            read; names the file.
    """
    if columns < 1:
        raise ValueError(f'columns must be at least 1; got {columns}.')
    captions = any(tile.caption for g in groups for tile in g.tiles if tile)
    step = tile_step(cell, captions=captions)
    width = 2 * MARGIN + columns * step[0] - GAP
    height = 2 * MARGIN - GAP
    for group in groups:
        lines = -(-len(group.tiles) // columns)
        height += heading_height(group.heading) + lines * step[1]
    sheet = Image.new('RGB', (width, max(height, 2 * MARGIN)), PAPER)
    y = MARGIN
    for group in groups:
        y = draw_heading(sheet, group.heading, y, width - 2 * MARGIN)
        for i, tile in enumerate(group.tiles):
            x = MARGIN + i % columns * step[0]
            if tile:
                draw_tile(sheet, tile, (x, y + i // columns * step[1]), cell)
        y += -(-len(group.tiles) // columns) * step[1]
    return np.asarray(sheet)


def tile_step(cell: tuple[int, int], *, captions: bool) -> tuple[int, int]:
    """Return the distance of neighbouring tiles in x and y."""
    line = _CAPTION + 8 if captions else 0
    return cell[0] + 2 * FRAME + GAP, cell[1] + 2 * FRAME + line + GAP


def heading_height(heading: str) -> int:
    """Return the pixels that a heading takes, 0 without one."""
    return _HEADING + 22 if heading else 0


def draw_heading(sheet: Image.Image, text: str, y: int, width: int) -> int:
    """Write a heading and return where to go on below it."""
    if text:
        font = load_font(_HEADING, bold=True)
        text = shorten(text, font, width)
        ImageDraw.Draw(sheet).text((MARGIN, y + 8), text, INK, font)
    return y + heading_height(text)


def draw_tile(
    sheet: Image.Image,
    tile: Tile,
    corner: tuple[int, int],
    cell: tuple[int, int],
) -> None:
    """Draw a picture with frame and caption; ``corner`` is its top left."""
    x, y = corner
    draw = ImageDraw.Draw(sheet)
    right, bottom = x + cell[0] + 2 * FRAME, y + cell[1] + 2 * FRAME
    frame = tile.border or PANEL
    draw.rectangle((x, y, right - 1, bottom - 1), frame)
    inside = (x + FRAME, y + FRAME, right - FRAME - 1, bottom - FRAME - 1)
    draw.rectangle(inside, PANEL)
    picture = fit(load_image(tile.image), cell)
    left = x + FRAME + (cell[0] - picture.width) // 2
    top = y + FRAME + (cell[1] - picture.height) // 2
    sheet.paste(picture, (left, top))
    if tile.caption:
        font = load_font(_CAPTION)
        text = shorten(tile.caption, font, right - x, tail=True)
        center = x + (right - x - font.getlength(text)) / 2
        draw.text((center, bottom + 3), text, MUTED, font)


def load_image(image: ImageLike) -> Image.Image:
    """Open a file or wrap an array as an RGB picture.

    Raises:
        ValueError: if the file cannot be read or the array is no picture.
    """
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim not in (2, 3):
            raise ValueError(
                f'a picture must be uint8 (H, W, 3) or (H, W); got '
                f'{image.dtype} {image.shape}.'
            )
        return Image.fromarray(image).convert('RGB')
    try:
        with Image.open(image) as file:
            return file.convert('RGB')
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError(
            f'{image} is not a readable image: {error}'
        ) from error


def fit(image: Image.Image, cell: tuple[int, int]) -> Image.Image:
    """Scale a picture so that it just fits a cell."""
    scale = min(cell[0] / image.width, cell[1] / image.height)
    size = [max(1, round(side * scale)) for side in image.size]
    return image.resize((size[0], size[1]), Image.Resampling.LANCZOS)


@functools.cache
def load_font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans, which comes with matplotlib on every system."""
    name = 'DejaVuSans-Bold.ttf' if bold else 'DejaVuSans.ttf'
    path = Path(matplotlib.get_data_path()) / 'fonts' / 'ttf' / name
    return ImageFont.truetype(str(path), size)


def shorten(
    text: str,
    font: ImageFont.FreeTypeFont,
    width: float,
    *,
    tail: bool = False,
) -> str:
    """Cut a text to a width: its end, or its middle to keep the tail.

    Names of videos often differ in their last letters only.
    """
    if font.getlength(text) <= width:
        return text
    for letters in range(len(text) - 1, 0, -1):
        behind = letters * 2 // 3 if tail else 0
        cut = f'{text[: letters - behind]}…{text[len(text) - behind :]}'
        if font.getlength(cut) <= width:
            return cut
    return '…'
