"""Tiles of a data set: identities, distractors, junk; and its counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mmcion.utils.checks import UserError, check_at_least, check_same_length

from .text import count_of
from .tiles import CELL, ImageLike, Tile, TileGroup, fit, read_image

JUNK, NO_CAMERA = -1, -1
_MAX_CAMERAS = 8  # more are counted and not listed


@dataclass(frozen=True)
class DatasetPart:
    """Counts of a part of a data set.

    Attributes:
        name: Name of the part.
        images: Number of images.
        identities: Number of identities; None for junk.
        cameras: Number of cameras; None if they are unknown.
    """

    name: str
    images: int
    identities: int | None
    cameras: int | None


@dataclass
class DatasetRows:
    """Labels of N images, and how to read an image.

    Attributes:
        load: Returns the image of a row as ``read_image`` takes it; called
            for those that are shown.
        pid: ``(N,)`` identities, -1 is junk.
        cam_id: ``(N,)`` cameras, -1 is unknown.
        is_query: ``(N,)`` bool; without a query it is a training set.

    Raises:
        UserError: if there is no image, or columns differ in length.
    """

    load: Callable[[int], ImageLike]
    pid: np.ndarray
    cam_id: np.ndarray
    is_query: np.ndarray

    def __post_init__(self) -> None:
        self.pid = np.asarray(self.pid)
        self.cam_id = np.asarray(self.cam_id)
        self.is_query = np.asarray(self.is_query, bool)
        check_same_length(
            pid=self.pid, cam_id=self.cam_id, is_query=self.is_query
        )
        if not len(self.pid):
            raise UserError('the data set has no image to show.')

    @property
    def is_distractor(self) -> np.ndarray:
        """``(N,)`` bool: gallery images of no query's identity."""
        searched = np.isin(self.pid, self.pid[self.is_query])
        other = ~self.is_query & (self.pid != JUNK) & ~searched
        return other & self.is_query.any()

    def count_parts(self) -> list[DatasetPart]:
        """Count query, gallery, distractors and junk; or training and junk.

        Distractors and junk are listed if there are any.
        """
        kept = self.pid != JUNK
        parts = {'training': kept}
        if self.is_query.any():
            parts = {
                'query': kept & self.is_query,
                'gallery': kept & ~self.is_query,
                'of which distractors': self.is_distractor,
            }
        parts['junk, ignored'] = ~kept
        counts = []
        for name, rows in parts.items():
            pids = np.unique(self.pid[rows & kept])
            cameras = np.unique(self.cam_id[rows & (self.cam_id != NO_CAMERA)])
            if rows.any() or name in ('gallery', 'training'):
                counts.append(
                    DatasetPart(
                        name,
                        int(rows.sum()),
                        len(pids) or None,
                        len(cameras) or None,
                    )
                )
        return counts


def dataset_groups(
    rows: DatasetRows,
    *,
    identities: int = 8,
    images: int = 8,
    seed: int = 0,
) -> list[TileGroup]:
    """Show images of some identities, of distractors and of junk.

    Identities are drawn from those of queries; in a training set, from all.
    Their images are drawn from all their cameras, queries first.

    Args:
        rows: Data set.
        identities: Number of identities, at most.
        images: Number of images of each, at most.
        seed: Seed of what is drawn.

    Raises:
        UserError: if a number is below 1 or an image cannot be read; names
            the file.
    """
    check_at_least(1, identities=identities, images=images)
    rng = np.random.default_rng(seed)
    kept = rows.pid != JUNK
    has_queries = bool(rows.is_query.any())
    pids = np.unique(rows.pid[kept & rows.is_query if has_queries else kept])
    drawn = rng.choice(pids, min(identities, len(pids)), replace=False)

    def tiles(chosen: Sequence[int], frame: str = '') -> list[Tile]:
        return [_tile(rows, row, frame) for row in chosen]

    groups = []
    for pid in np.sort(drawn):
        own = np.flatnonzero(rows.pid == pid)
        queries, others = own[rows.is_query[own]], own[~rows.is_query[own]]
        # queries get half of the places, and those that the gallery leaves
        places = max(images - images // 2, images - len(others))
        shown = _draw(rows, queries, places, rng)
        shown += _draw(rows, others, images - len(shown), rng)
        counts = count_of(len(own), 'image')
        if has_queries:
            counts = count_of(len(queries), 'query')
            counts += f', {len(others):,} in the gallery'
        heading = f'identity {pid}: {counts}; {_cameras(rows.cam_id[own])}'
        groups.append(TileGroup([tiles(shown)], heading))
    distractors = np.flatnonzero(rows.is_distractor)
    if len(distractors):
        found = len(np.unique(rows.pid[distractors]))
        heading = (
            f'distractors: {count_of(len(distractors), "image")} of '
            f'{count_of(found, "identity")} that no query has'
        )
        shown = _draw(rows, distractors, images, rng)
        groups.append(TileGroup([tiles(shown, 'orange')], heading))
    junk = np.flatnonzero(~kept)
    if len(junk):
        heading = f'junk: {count_of(len(junk), "image")}, ignored everywhere'
        shown = _draw(rows, junk, images, rng)
        groups.append(TileGroup([tiles(shown, 'red')], heading))
    return groups


def _draw(
    rows: DatasetRows, among: np.ndarray, number: int, rng: np.random.Generator
) -> list[int]:
    """Draw images evenly from all cameras; return them by camera."""
    among = rng.permutation(among)
    among = among[np.argsort(rows.cam_id[among], kind='stable')]
    cams = rows.cam_id[among]
    # index of every image within its camera: all first ones come first
    turn = np.arange(len(among)) - np.searchsorted(cams, cams)
    chosen = np.sort(np.argsort(turn, kind='stable')[: max(number, 0)])
    return among[chosen].tolist()


def _tile(rows: DatasetRows, row: int, frame: str) -> Tile:
    cam_id, is_query = int(rows.cam_id[row]), bool(rows.is_query[row])
    words = ['query'] * is_query
    if cam_id != NO_CAMERA:
        words.append(f'cam {cam_id}')
    frame = frame or ('blue' if is_query else 'line')
    return Tile(fit(read_image(rows.load(row)), CELL), ', '.join(words), frame)


def _cameras(cam_ids: np.ndarray) -> str:
    found = np.unique(cam_ids[cam_ids != NO_CAMERA]).tolist()
    if not found:
        return 'cameras unknown'
    if len(found) == 1:
        return f'camera {found[0]}'
    if len(found) > _MAX_CAMERAS:
        return count_of(len(found), 'camera')
    return f'cameras {", ".join(map(str, found))}'
