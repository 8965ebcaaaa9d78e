"""Image grids: tiles with headings as one image file."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mmcion.utils.checks import UserError
from mmcion.utils.io import atomic_file

from .palette import COLORS
from .text import FONT, drawable
from .tiles import CELL, COLUMNS, Tile, TileGroup, count_columns, fit

# in pixels: around the grid, between tiles, more between sides, of borders
MARGIN, GAP, SIDE_GAP, BORDER = 16, 10, 14, 4
# height of a heading, of a line of a note and of a caption
HEADING, NOTE, CAPTION = 34, 22, 21


def image_grid(
    groups: Sequence[TileGroup],
    *,
    columns: int = COLUMNS,
    cell: tuple[int, int] = CELL,
) -> Image.Image:
    """Draw groups of tiles below each other, sides of a group side by side.

    Images keep their aspect ratio and are centred in their cell; those that
    could not be read are grey.

    Args:
        groups: Each starts on a new line, with its heading and its note.
        columns: Tiles per line and side, at most.
        cell: Width and height of an image in pixels.
    """
    heading, plain = _font(17, bold=True), _font(13)
    side_columns = count_columns(groups, columns)
    across, down = cell[0] + 2 * BORDER + GAP, cell[1] + 2 * BORDER + GAP
    if any(t.caption for g in groups for side in g.sides for t in side):
        down += CAPTION
    # positions of all texts and tiles; the size of the grid follows
    texts, tiles = [], []
    right, y = 2 * MARGIN, MARGIN
    for group in groups:
        lines = [(group.heading, heading, 'ink', HEADING)]
        lines += [
            (note, plain, 'muted', NOTE) for note in group.note.split('\n')
        ]
        for given, font, color, height in lines:
            if text := drawable(given):
                texts.append((text, font, COLORS[color], y))
                right = max(right, MARGIN + int(font.getlength(text)) + 1)
                y += height
        y += GAP * bool(group.note)
        left, top = MARGIN, y
        for side, count in zip(group.sides, side_columns, strict=False):
            for i, tile in enumerate(side):
                x, line = left + i % count * across, i // count
                tiles.append((tile, (x, top + line * down)))
                right = max(right, x + across - GAP)
                y = max(y, top + (line + 1) * down)
            left += count * across + SIDE_GAP
    grid = Image.new('RGB', (right + MARGIN, y + MARGIN), COLORS['paper'])
    draw = ImageDraw.Draw(grid)
    for text, font, color, top in texts:
        draw.text((MARGIN, top + 6), text, color, font)
    for tile, corner in tiles:
        _draw_tile(draw, grid, tile, corner, cell, plain)
    return grid


def _draw_tile(
    draw: ImageDraw.ImageDraw,
    grid: Image.Image,
    tile: Tile,
    corner: tuple[int, int],
    cell: tuple[int, int],
    font: ImageFont.FreeTypeFont,
) -> None:
    """Draw an image with border and caption; ``corner`` is its top left."""
    x, y = corner
    width, height = cell[0] + 2 * BORDER, cell[1] + 2 * BORDER
    draw.rectangle(
        (x, y, x + width - 1, y + height - 1),
        COLORS['panel' if tile.image else 'grey'],
        COLORS[tile.border or 'panel'],
        BORDER,
    )
    if tile.image:
        image = fit(tile.image, cell)
        left = x + (width - image.width) // 2
        grid.paste(image, (left, y + (height - image.height) // 2))
    caption = whole = drawable(tile.caption)
    # cut in the middle: names of videos often differ in their last letters
    for kept in range(len(caption) - 1, 0, -1):
        if font.getlength(caption) <= width:
            break
        end = len(whole) - kept * 2 // 3
        caption = f'{whole[: kept - kept * 2 // 3]}…{whole[end:]}'
    center = x + (width - font.getlength(caption)) / 2
    draw.text((center, y + height + 3), caption, COLORS['muted'], font)


@functools.cache
def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    path = FONT.with_stem(f'{FONT.stem}-Bold') if bold else FONT
    return ImageFont.truetype(str(path), size)


def image_format(path: str | Path) -> str:
    """Return the format of an image file by its suffix."""
    kind = Image.registered_extensions().get(Path(path).suffix.lower())
    if kind is None or kind not in Image.SAVE:
        raise UserError(f'{path} must have the suffix of an image, as .png.')
    return kind


def save_image(image: Image.Image, path: str | Path) -> None:
    """Write an image atomically; the suffix decides the format."""
    kind = image_format(path)
    with atomic_file(path) as temporary:
        image.save(temporary, kind)
