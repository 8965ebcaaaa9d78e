"""Queries of a ranking result with what was nearest to them."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from mmcion.structures import RetrievalResult

from .contact_sheet import ImageLike, fit, load_font, load_image
from .palette import GREY, INK
from .ranked_list import RankedQuery, ranked_list
from .words import count_of

LoadPath = Callable[[str], ImageLike | bytes]

CELL = (80, 160)


@dataclass
class RetrievalSheet:
    """Queries, one per row.

    Attributes:
        image: ``(H, W, 3)`` uint8 RGB; None if there is nothing to show.
        queries: ``(n,)`` their numbers in the result, top to bottom.
        remark: on images that could not be read; empty if all could.
    """

    image: np.ndarray | None
    queries: np.ndarray
    remark: str = ''


def random_queries(
    result: RetrievalResult, count: int, *, seed: int = 0
) -> np.ndarray:
    """Draw queries, to see what an answer usually looks like.

    Returns:
        Up to ``count`` numbers of queries, ascending.
    """
    total = len(result.query_rows)
    rng = np.random.default_rng(seed)
    return np.sort(rng.permutation(total)[:count])


def worst_queries(result: RetrievalResult, count: int) -> np.ndarray:
    """Find the queries of lowest average precision that have a match.

    Returns:
        Up to ``count`` numbers of queries, the worst first.
    """
    order = np.argsort(result.ap, kind='stable')
    return order[result.num_matches[order] > 0][:count]


def confident_errors(result: RetrievalResult, count: int) -> np.ndarray:
    """Find queries answered by another person at the smallest distance.

    Only queries with a match count. These show who looks alike to the model,
    and where labels may be wrong.

    Returns:
        Up to ``count`` numbers of queries, the smallest distance first.
    """
    if not result.nearest.shape[1]:
        return np.zeros(0, int)
    pid = result.features.pid
    first = result.nearest[:, 0]
    wrong = (first >= 0) & (pid[first] != pid[result.query_rows])
    wrong &= result.num_matches > 0
    order = np.argsort(result.distances[:, 0], kind='stable')
    return order[wrong[order]][:count]


def retrieval_sheet(
    result: RetrievalResult,
    queries: Iterable[int],
    *,
    places: int = 10,
    cell: tuple[int, int] = CELL,
    load: LoadPath | None = None,
) -> RetrievalSheet:
    """Draw queries with their nearest images: green is right, red wrong.

    Below a picture stand camera, distance and mark, as in ``c3 0.214 ✓``;
    cameras are left out where there is only one. An image that cannot be
    read becomes a grey tile with its name.

    Args:
        result: the ranking.
        queries: numbers of queries, top to bottom.
        places: gallery images per query, at most those of ``nearest``.
        cell: width and height for a picture, in pixels.
        load: returns the image of an ``img_path``: ``(H, W, 3)`` uint8 RGB,
            a file, or the content of one; reads the file if not given.

    Returns:
        The sheet, without a picture if there is no query.
    """
    chosen = np.array(list(queries), int)
    if not len(chosen):
        return RetrievalSheet(None, chosen)
    reader = _Reader(result, cell, load)
    rows = [_ranked_query(result, int(q), places, reader) for q in chosen]
    return RetrievalSheet(
        ranked_list(rows, cell=cell), chosen, reader.remark()
    )


def no_picture(name: str, cell: tuple[int, int]) -> np.ndarray:
    """Return a grey tile with a name, in place of an image.

    Args:
        name: may be long; what does not fit is cut.
        cell: width and height in pixels.

    Returns:
        ``(H, W, 3)`` uint8 RGB.
    """
    tile = Image.new('RGB', cell, GREY)
    font = load_font(11)
    letters = max(1, int((cell[0] - 6) / font.getlength('m')))
    lines = textwrap.wrap(name, letters) or ['']
    height = 14
    most = max(1, (cell[1] - 6) // height)
    top = (cell[1] - height * min(len(lines), most)) / 2
    for i, line in enumerate(lines[:most]):
        left = (cell[0] - font.getlength(line)) / 2
        ImageDraw.Draw(tile).text((left, top + i * height), line, INK, font)
    return np.asarray(tile)


class _Reader:
    """Reads pictures of rows, and remembers which could not be read."""

    def __init__(
        self,
        result: RetrievalResult,
        cell: tuple[int, int],
        load: LoadPath | None,
    ) -> None:
        self._paths = result.features.img_path
        self._cell = cell
        self._load = load
        self._pictures: dict[int, np.ndarray] = {}
        self._failed: list[str] = []

    def __call__(self, row: int) -> np.ndarray:
        """Return the picture of a row, no larger than its place."""
        if row not in self._pictures:
            self._pictures[row] = self._read(str(self._paths[row]))
        return self._pictures[row]

    def remark(self) -> str:
        """Say how many images could not be read."""
        if not self._failed:
            return ''
        return (
            f'{len(self._failed):,} of {len(self._pictures):,} images could '
            f'not be read and are grey (the first is {self._failed[0]}).'
        )

    def _read(self, path: str) -> np.ndarray:
        try:
            found = self._load(path) if self._load else path
            if isinstance(found, bytes):
                found = io.BytesIO(found)
            return np.asarray(fit(load_image(found), self._cell))
        except Exception:  # decoders raise whatever they like
            self._failed.append(path)
            return no_picture(Path(path).name, self._cell)


def _ranked_query(
    result: RetrievalResult, query: int, places: int, reader: _Reader
) -> RankedQuery:
    row = int(result.query_rows[query])
    pid, cam = result.features.pid, result.features.cam_id
    cameras = len(np.unique(cam)) > 1
    counted = result.nearest[query] >= 0
    nearest = result.nearest[query][counted][:places]
    correct = pid[nearest] == pid[row]
    distances = result.distances[query][counted][:places]
    captions = [
        f'c{cam[answer]} ' * cameras + f'{distance:.3f} {"✗✓"[int(right)]}'
        for answer, distance, right in zip(
            nearest, distances, correct, strict=True
        )
    ]
    return RankedQuery(
        reader(row),
        [reader(int(answer)) for answer in nearest],
        correct.tolist(),
        captions=captions,
        heading=_heading(result, query, correct, cameras=cameras),
        caption=f'{pid[row]}' + f', c{cam[row]}' * cameras,
    )


def _heading(
    result: RetrievalResult, query: int, correct: np.ndarray, *, cameras: bool
) -> str:
    row = result.query_rows[query]
    who = f'Person {result.features.pid[row]}'
    if cameras:
        who += f' from camera {result.features.cam_id[row]}'
    matches = int(result.num_matches[query])
    if not matches:
        return f'{who}: no match in the gallery'
    text = f'{who}: AP {result.ap[query]:.1%}, {count_of(matches, "match")}'
    if correct.any():
        return f'{text}, the first at rank {int(correct.argmax()) + 1}'
    return f'{text}, none among the first {len(correct)}'
