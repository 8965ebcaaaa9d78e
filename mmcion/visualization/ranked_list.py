"""Queries and the gallery images nearest to them, right and wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from .contact_sheet import (
    FRAME,
    GAP,
    MARGIN,
    ImageLike,
    Tile,
    draw_heading,
    draw_tile,
    heading_height,
    tile_step,
)
from .palette import GREEN, GREY, INK, PAPER, RED

_ASIDE = 14  # pixels between a query and its gallery


@dataclass
class RankedQuery:
    """A query and its nearest gallery images, nearest first.

    Attributes:
        query: picture of the query.
        gallery: pictures of the gallery.
        correct: for each whether it is the same person; None for junk, which
            does not count. Without the truth, None for all: no frames, no
            marks.
        distances: for each, shown below it.
        captions: for each, shown below it in place of mark and distance.
        heading: one line above the row.
        caption: below the query.
    """

    query: ImageLike
    gallery: Sequence[ImageLike]
    correct: Sequence[bool | None] | None = None
    distances: Sequence[float] | None = None
    captions: Sequence[str] | None = None
    heading: str = ''
    caption: str = 'query'


def ranked_list(
    queries: Sequence[RankedQuery], *, cell: tuple[int, int] = (80, 160)
) -> np.ndarray:
    """Draw one row per query: green is right, red wrong, grey is junk.

    Every answer also carries a mark, so that colour is not needed.

    Args:
        queries: rows, top to bottom; they may differ in length.
        cell: width and height for a picture, in pixels.

    Returns:
        ``(H, W, 3)`` uint8 RGB.

    Raises:
        ValueError: if a row's lists differ in length.
    """
    for query in queries:
        _check(query)
    across, down = tile_step(cell, captions=True)
    longest = max((len(query.gallery) for query in queries), default=0)
    width = 2 * MARGIN + (1 + longest) * across - GAP + _ASIDE
    height = 2 * MARGIN - GAP
    height += sum(heading_height(q.heading) + down for q in queries)
    sheet = Image.new('RGB', (width, max(height, 2 * MARGIN)), PAPER)
    y = MARGIN
    for query in queries:
        y = draw_heading(sheet, query.heading, y, width - 2 * MARGIN)
        draw_tile(
            sheet, Tile(query.query, query.caption, INK), (MARGIN, y), cell
        )
        for place, tile in enumerate(_answers(query), start=1):
            x = MARGIN + _ASIDE + place * across
            draw_tile(sheet, tile, (x, y), cell)
        y += down
    return np.asarray(sheet)


def ranked_list_column(place: int, cell: tuple[int, int]) -> tuple[int, int]:
    """Return first and last pixel of a column; 0 is the query."""
    across, _ = tile_step(cell, captions=True)
    left = MARGIN + place * across + (_ASIDE if place else 0)
    return left, left + cell[0] + 2 * FRAME - 1


def _answers(query: RankedQuery) -> list[Tile]:
    tiles = []
    for i, image in enumerate(query.gallery):
        caption, color = '', None
        if query.correct is not None:
            correct = query.correct[i]
            caption = {True: '✓', False: '✗', None: '–'}[correct]
            color = {True: GREEN, False: RED, None: GREY}[correct]
        if query.distances is not None:
            caption = f'{caption} {query.distances[i]:.3f}'.strip()
        if query.captions is not None:
            caption = query.captions[i]
        tiles.append(Tile(image, caption, color))
    return tiles


def _check(query: RankedQuery) -> None:
    lists = (query.correct, query.distances, query.captions)
    counts = {len(each) for each in lists if each is not None}
    counts.add(len(query.gallery))
    if len(counts) > 1:
        raise ValueError(
            f'gallery, correct, distances and captions of a RankedQuery must '
            f'have the same length; got lengths {sorted(counts)}.'
        )
