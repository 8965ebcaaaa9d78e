"""Tiles: crops with captions, for pages and image grids."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from mmcion.utils.checks import UserError, check_file

ImageLike = str | Path | bytes | np.ndarray

CELL = (96, 192)  # width and height of a crop in pixels
COLUMNS = 10  # tiles side by side


@dataclass
class Tile:
    """A crop with its caption."""

    image: Image.Image | None  # None if it could not be read
    caption: str = ''  # lines below the image
    border: str = ''  # key of COLORS; empty for none
    name: str = ''  # such as its file


@dataclass
class TileGroup:
    """Tiles that belong together, with a heading and a note below it."""

    # lists of tiles side by side, such as a query and its ranked gallery
    sides: Sequence[Sequence[Tile]]
    heading: str = ''
    note: str = ''


def read_tile(
    load: Callable[[str], ImageLike],
    path: str,
    caption: str = '',
    border: str = '',
) -> Tile:
    """Return the tile of an image, without the image if it is unreadable.

    ``load`` returns what ``read_image`` takes for the path.
    """
    try:
        image = read_image(load(path))
    except Exception:  # decoders raise errors of many kinds
        return Tile(None, caption, border, path)
    return Tile(image, caption, border, path)


def unreadable_remark(groups: Sequence[TileGroup]) -> str:
    """Return how many tiles have no image; empty if all have one."""
    tiles = [tile for g in groups for side in g.sides for tile in side]
    failed = [tile.name for tile in tiles if tile.image is None]
    if not failed:
        return ''
    return (
        f'{len(failed):,} of {len(tiles):,} images could not be read and are '
        f'grey (the first is {failed[0]}).'
    )


def read_image(image: ImageLike, cell: tuple[int, int] = CELL) -> Image.Image:
    """Return an image as RGB, scaled so that it just fits a cell.

    Args:
        image: File, content of a file, or ``(H, W, 3)`` or ``(H, W)`` uint8.
        cell: Width and height in pixels.

    Raises:
        FileNotFoundError: If the file is missing.
        UserError: If the file cannot be read.
    """
    if isinstance(image, np.ndarray):
        return fit(Image.fromarray(image).convert('RGB'), cell)
    source: io.BytesIO | Path
    if isinstance(image, bytes):
        name, source = 'the file', io.BytesIO(image)
    else:
        name, source = str(image), check_file(image, 'image')
    try:
        with Image.open(source) as file:
            return fit(file.convert('RGB'), cell)
    except (UnidentifiedImageError, OSError) as error:
        raise UserError(f'{name} is no readable image: {error}') from error


def fit(image: Image.Image, cell: tuple[int, int]) -> Image.Image:
    """Scale an image so that it just fits a cell."""
    # the side that is relatively longer decides
    scale = min(cell[0] / image.width, cell[1] / image.height)
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def count_columns(
    groups: Sequence[TileGroup], most: int = COLUMNS
) -> list[int]:
    """Return the number of columns of each side, equal for all groups."""
    # a group may have fewer sides than others, and a side may be empty
    sides = max((len(group.sides) for group in groups), default=0)
    return [
        min(most, max(len(g.sides[i]) for g in groups if len(g.sides) > i))
        or 1
        for i in range(sides)
    ]


def spread(rows: np.ndarray, most: int) -> np.ndarray:
    """Return at most ``most`` rows: the middles of equally long parts."""
    count = min(most, len(rows))
    return rows[((np.arange(count) + 0.5) * len(rows) / count).astype(int)]
