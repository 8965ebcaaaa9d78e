"""People of a data set on one sheet: queries, gallery, junk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from PIL import Image, ImageDraw

from .contact_sheet import (
    MARGIN,
    Group,
    ImageLike,
    Tile,
    contact_sheet,
    load_font,
    shorten,
    tile_step,
)
from .palette import BLUE, GREY, INK, LINE, MUTED, ORANGE, PAPER, RED
from .words import count_of

JUNK, NO_CAMERA = -1, -1
_BORDER, _LINE_HEIGHT, _COLUMN = 28, 24, 96  # pixels of the header
_TITLE, _TEXT, _HEADING = 22, 14, 17  # of font size, the last as on sheets
_MAX_CAMERAS = 8  # more are counted and not listed


class Pictures(Protocol):
    """A list of pictures, or what opens one when it is asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, row: int, /) -> ImageLike: ...


class PartCount(NamedTuple):
    """Size of one part of a data set.

    Attributes:
        name: of the part.
        images: number of images.
        people: number of identities; None where they have no meaning.
        cameras: number of cameras; None where these are not known.
    """

    name: str
    images: int
    people: int | None
    cameras: int | None


class _Rows(NamedTuple):
    """Columns of N images."""

    img_path: Pictures
    pid: np.ndarray
    cam_id: np.ndarray
    is_query: np.ndarray


def count_parts(
    pid: np.ndarray, cam_id: np.ndarray, is_query: np.ndarray
) -> list[PartCount]:
    """Count images, people and cameras of each part that is there.

    Args:
        pid: ``(N,)`` identities, -1 = junk.
        cam_id: ``(N,)`` cameras, -1 = not known.
        is_query: ``(N,)`` bool; without a query it is a training set.

    Returns:
        Query, gallery, which of it are distractors (people whom no query asks
        for) and junk; or training and junk.
    """
    kept = pid != JUNK
    parts = {'training': kept & ~is_query}
    if is_query.any():
        parts = {
            'query': kept & is_query,
            'gallery': kept & ~is_query,
            'of which distractors': _distractors(pid, is_query),
        }
    parts['junk, left out'] = ~kept
    counts = []
    for name, rows in parts.items():
        images = int(rows.sum())
        cameras = np.unique(cam_id[rows & (cam_id != NO_CAMERA)])
        people = len(np.unique(pid[rows])) if kept[rows].any() else None
        if images or name in ('query', 'gallery', 'training'):
            counts.append(
                PartCount(name, images, people, len(cameras) or None)
            )
    return counts


def dataset_sheet(
    img_path: Pictures,
    pid: Sequence[int] | np.ndarray,
    cam_id: Sequence[int] | np.ndarray,
    is_query: Sequence[bool] | np.ndarray,
    *,
    title: str = '',
    subtitle: str = '',
    people: int = 8,
    images: int = 8,
    seed: int = 0,
    cell: tuple[int, int] = (96, 192),
) -> np.ndarray:
    """Draw a row of images for each of some people, and counts above them.

    - People are drawn from those who are asked for; in a training set, from
      all. Their images are drawn from all their cameras, queries first.
    - Below are a row of distractors, which are people whom no query asks
      for, and one of junk.

    Args:
        img_path: ``(N,)`` pictures, files as a rule; only those that are
            shown are opened.
        pid: ``(N,)`` identities, -1 = junk.
        cam_id: ``(N,)`` cameras, -1 = not known.
        is_query: ``(N,)``; without a query it is a training set.
        title: of the sheet.
        subtitle: a line below it.
        people: rows of people, at most.
        images: images of a row, at most.
        seed: of what is drawn.
        cell: width and height for an image, in pixels.

    Returns:
        ``(H, W, 3)`` uint8 RGB.

    Raises:
        ValueError: if there is no image, columns differ in length, a number
            is not positive or an image cannot be read; names the file.
    """
    rows = _Rows(
        img_path,
        np.asarray(pid),
        np.asarray(cam_id),
        np.asarray(is_query, bool),
    )
    _check(rows, people=people, images=images)
    rng = np.random.default_rng(seed)
    groups = [
        _person(rows, one, images, rng)
        for one in _draw_people(rows, people, rng)
    ]
    groups += _others(rows, images, rng)
    font = load_font(_HEADING, bold=True)
    widest = max(font.getlength(group.heading) for group in groups)
    step, _ = tile_step(cell, captions=True)
    body = contact_sheet(
        groups, columns=max(images, int(-(-widest // step))), cell=cell
    )
    header = _header(rows, title, subtitle, body.shape[1] - 2 * MARGIN)
    below = header.height + _LINE_HEIGHT // 2
    width = max(body.shape[1] - 2 * MARGIN, header.width) + 2 * _BORDER
    height = below + body.shape[0] - 2 * MARGIN + 2 * _BORDER
    sheet = Image.new('RGB', (width, height), PAPER)
    sheet.paste(header, (_BORDER, _BORDER))
    corner = (_BORDER - MARGIN, _BORDER - MARGIN + below)
    sheet.paste(Image.fromarray(body), corner)
    return np.asarray(sheet)


def _check(rows: _Rows, **numbers: int) -> None:
    lengths = {name: len(column) for name, column in rows._asdict().items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f'columns must have the same length; got '
            f'{", ".join(f"{n} of {name}" for name, n in lengths.items())}.'
        )
    if not lengths['pid']:
        raise ValueError('there is no image to show.')
    for name, value in numbers.items():
        if value < 1:
            raise ValueError(f'{name} must be at least 1; got {value}.')


def _distractors(pid: np.ndarray, is_query: np.ndarray) -> np.ndarray:
    """Tell which images of the gallery show people whom no query shows."""
    asked = np.unique(pid[is_query])
    return ~is_query & (pid != JUNK) & ~np.isin(pid, asked)


def _draw_people(
    rows: _Rows, number: int, rng: np.random.Generator
) -> list[int]:
    kept = rows.pid != JUNK
    asked = np.unique(rows.pid[kept & rows.is_query])
    everybody = asked if len(asked) else np.unique(rows.pid[kept])
    drawn = rng.choice(everybody, min(number, len(everybody)), replace=False)
    return np.sort(drawn).tolist()


def _person(
    rows: _Rows, pid: int, images: int, rng: np.random.Generator
) -> Group:
    own = np.flatnonzero(rows.pid == pid)
    asking = own[rows.is_query[own]]
    others = own[~rows.is_query[own]]
    # queries get half of the places, and those that the gallery leaves
    places = max(images - images // 2, images - len(others))
    shown = _draw(rows, asking, places, rng)
    shown += _draw(rows, others, images - len(shown), rng)
    if rows.is_query.any():
        queries = count_of(len(asking), 'query')
        counts = f'{queries}, {len(others):,} in the gallery'
    else:
        counts = count_of(len(own), 'image')
    heading = f'person {pid}: {counts}; {_cameras(rows.cam_id[own])}'
    return Group([_tile(rows, row) for row in shown], heading)


def _others(rows: _Rows, images: int, rng: np.random.Generator) -> list[Group]:
    """Return a row of distractors and one of junk."""
    distractors = np.flatnonzero(_distractors(rows.pid, rows.is_query))
    junk = np.flatnonzero(rows.pid == JUNK)
    groups = []
    if len(distractors) and rows.is_query.any():
        people = len(np.unique(rows.pid[distractors]))
        groups.append(
            Group(
                [
                    _tile(rows, row, ORANGE)
                    for row in _draw(rows, distractors, images, rng)
                ],
                f'distractors: {count_of(len(distractors), "image")} of '
                f'{count_of(people, "identity")} that no query asks for',
            )
        )
    if len(junk):
        groups.append(
            Group(
                [
                    _tile(rows, row, RED)
                    for row in _draw(rows, junk, images, rng)
                ],
                f'junk: {count_of(len(junk), "image")}, left out everywhere',
            )
        )
    return groups


def _draw(
    rows: _Rows, among: np.ndarray, number: int, rng: np.random.Generator
) -> list[int]:
    """Draw images from all cameras, evenly; return them by camera."""
    among = rng.permutation(among)
    among = among[np.argsort(rows.cam_id[among], kind='stable')]
    cams = rows.cam_id[among]
    turn = np.arange(len(among)) - np.searchsorted(cams, cams)
    chosen = np.sort(np.argsort(turn, kind='stable')[: max(number, 0)])
    return among[chosen].tolist()


def _tile(rows: _Rows, row: int, border: str | None = None) -> Tile:
    cam_id, is_query = int(rows.cam_id[row]), bool(rows.is_query[row])
    words = ['query'] if is_query else []
    if cam_id != NO_CAMERA:
        words.append(f'cam {cam_id}')
    image = rows.img_path[row]
    image = str(image) if isinstance(image, np.str_) else image
    frame = border or (BLUE if is_query else LINE)
    return Tile(image, ', '.join(words), frame)


def _cameras(cam_ids: np.ndarray) -> str:
    found = np.unique(cam_ids[cam_ids != NO_CAMERA]).tolist()
    if not found:
        return 'no cameras known'
    if len(found) == 1:
        return f'camera {found[0]}'
    if len(found) > _MAX_CAMERAS:
        return count_of(len(found), 'camera')
    return f'cameras {", ".join(map(str, found))}'


def _header(rows: _Rows, title: str, subtitle: str, width: int) -> Image.Image:
    """Draw title, table of counts and the meaning of frames."""
    parts = count_parts(rows.pid, rows.cam_id, rows.is_query)
    legend = _legend(rows)
    font = load_font(_TEXT)
    names = int(max(font.getlength(part.name) for part in parts))
    width = max(width, names + 3 * _COLUMN, _legend_width(legend))
    lines: list[tuple[str, int, bool, str]] = []  # text, size, bold, colour
    if title:
        lines.append((title, _TITLE, True, INK))
    if subtitle:
        lines.append((subtitle, _TEXT, False, MUTED))
    top = sum(size + 10 for _, size, _, _ in lines) + 12 * bool(lines)
    below = top + (len(parts) + 1) * _LINE_HEIGHT
    height = below + _LINE_HEIGHT * 3 // 2 * bool(legend)
    header = Image.new('RGB', (width, height), PAPER)
    draw = ImageDraw.Draw(header)
    y = 0
    for text, size, bold, color in lines:
        style = load_font(size, bold=bold)
        text = shorten(text, style, width, tail=not bold)
        draw.text((0, y), text, color, style)
        y += size + 10
    _draw_table(draw, parts, top, names)
    _draw_legend(draw, legend, below + _LINE_HEIGHT // 2)
    return header


def _draw_table(
    draw: ImageDraw.ImageDraw, parts: list[PartCount], y: int, names: int
) -> None:
    font, bold = load_font(_TEXT), load_font(_TEXT, bold=True)
    titles: tuple[str | int | None, ...] = ('', 'images', 'people', 'cameras')
    table = [titles, *(tuple(part) for part in parts)]
    for line, part in enumerate(table):
        style, color = (bold, INK) if line else (font, MUTED)
        draw.text((0, y), str(part[0]), INK, font)
        for column, value in enumerate(part[1:], start=1):
            text = _cell(value)
            x = names + column * _COLUMN - style.getlength(text)
            draw.text((x, y), text, color, style)
        y += _LINE_HEIGHT


def _cell(value: str | int | None) -> str:
    if value is None:
        return '–'
    return value if isinstance(value, str) else f'{value:,}'


def _legend(rows: _Rows) -> list[tuple[str, str]]:
    """Return colours of frames and what they mean."""
    if not rows.is_query.any():
        legend = [(LINE, 'training')]
    else:
        legend = [(BLUE, 'query'), (LINE, 'gallery')]
        if _distractors(rows.pid, rows.is_query).any():
            legend.append((ORANGE, 'distractor'))
    if (rows.pid == JUNK).any():
        legend.append((RED, 'junk'))
    return legend if len(legend) > 1 else []


def _legend_width(legend: list[tuple[str, str]]) -> int:
    font = load_font(_TEXT)
    return sum(int(font.getlength(text)) + 48 for _, text in legend)


def _draw_legend(
    draw: ImageDraw.ImageDraw, legend: list[tuple[str, str]], y: int
) -> None:
    font, x = load_font(_TEXT), 0
    for color, text in legend:
        box = (x, y + 2, x + 14, y + 16)
        draw.rectangle(box, PAPER, outline=color, width=4)
        draw.rectangle(box, outline=GREY if color == LINE else color)
        draw.text((x + 22, y), text, MUTED, font)
        x += int(font.getlength(text)) + 48
