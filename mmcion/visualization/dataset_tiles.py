"""Tiles of a data set: identities, distractors, junk; and its counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mmcion.utils.checks import UserError, check_at_least, check_same_length

from .text import count_of
from .tiles import ImageLike, Tile, TileGroup, read_tile

JUNK, NO_CAMERA = -1, -1
_MAX_CAMERAS = 8  # more are counted instead of listed


@dataclass(frozen=True)
class DatasetPart:
    """Counts of a part of a data set."""

    name: str
    images: int
    identities: int | None  # None for junk
    cameras: int | None  # None if they are unknown


@dataclass
class ReIDLabels:
    """Labels of N images.

    Attributes:
        pid: ``(N,)`` identities, -1 is junk.
        cam_id: ``(N,)`` cameras, -1 is unknown.
        is_query: ``(N,)`` bool; without a query it is a training set.

    """

    pid: np.ndarray
    cam_id: np.ndarray
    is_query: np.ndarray

    def __post_init__(self) -> None:
        self.pid = np.asarray(self.pid)
        self.cam_id = np.asarray(self.cam_id)
        self.is_query = np.asarray(self.is_query, bool)
        check_same_length(**vars(self))

    @property
    def is_distractor(self) -> np.ndarray:
        """``(N,)`` bool: gallery images of no query's identity."""
        searched = np.isin(self.pid, self.pid[self.is_query])
        other = ~self.is_query & (self.pid != JUNK) & ~searched
        # a training set has no distractors
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
            total = int(rows.sum())
            if total or name in ('gallery', 'training'):
                found = len(pids) or None, len(cameras) or None
                counts.append(DatasetPart(name, total, *found))
        return counts


def dataset_groups(
    labels: ReIDLabels,
    load: Callable[[int], ImageLike],
    *,
    identities: int = 8,
    images: int = 8,
    seed: int = 0,
) -> list[TileGroup]:
    """Show images of some identities, of distractors and of junk.

    Identities are drawn from those of queries; in a training set, from all.
    Their images are drawn from all their cameras, queries first.

    Args:
        labels: Labels of the data set.
        load: Returns the image of a row, see ``read_image``.
        identities: Number of identities, at most.
        images: Number of images of each, at most.
        seed: Seed of what is drawn.
    """
    check_at_least(1, identities=identities, images=images)
    if not len(labels.pid):
        raise UserError('the data set has no image to show.')
    rng = np.random.default_rng(seed)
    # (N,) bool: images that identities are drawn from
    kept = labels.pid != JUNK
    has_queries = bool(labels.is_query.any())
    searched = kept & labels.is_query if has_queries else kept
    pids = np.unique(labels.pid[searched])
    drawn = rng.choice(pids, min(identities, len(pids)), replace=False)

    def tiles(rows: list[int], border: str = '') -> list[Tile]:
        shown = []
        for row in rows:
            cam_id, is_query = labels.cam_id[row], labels.is_query[row]
            words = ['query'] if is_query else []
            if cam_id != NO_CAMERA:
                words.append(f'cam {cam_id}')
            own = 'blue' if is_query else 'line'
            caption = ', '.join(words)
            shown.append(read_tile(load, row, caption, border or own))
        return shown

    groups = []
    for pid in np.sort(drawn):
        own = np.flatnonzero(labels.pid == pid)
        queries, others = own[labels.is_query[own]], own[~labels.is_query[own]]
        # queries get half of the places, and those that the gallery leaves
        places = max(images - images // 2, images - len(others))
        rows = _draw(labels, queries, places, rng)
        rows += _draw(labels, others, images - len(rows), rng)
        counts = count_of(len(own), 'image')
        if has_queries:
            counts = count_of(len(queries), 'query')
            counts += f', {len(others):,} in the gallery'
        heading = f'identity {pid}: {counts}; {_cameras(labels.cam_id[own])}'
        groups.append(TileGroup([tiles(rows)], heading))
    distractors = labels.is_distractor
    found = len(np.unique(labels.pid[distractors]))
    of_identities = f' of {count_of(found, "identity")} that no query has'
    for name, chosen, note, border in (
        ('distractors', distractors, of_identities, 'orange'),
        ('junk', ~kept, ', ignored everywhere', 'red'),
    ):
        own = np.flatnonzero(chosen)
        if len(own):
            heading = f'{name}: {count_of(len(own), "image")}{note}'
            shown = tiles(_draw(labels, own, images, rng), border)
            groups.append(TileGroup([shown], heading))
    return groups


def _draw(
    labels: ReIDLabels,
    among: np.ndarray,
    number: int,
    rng: np.random.Generator,
) -> list[int]:
    """Draw rows evenly from all cameras; return them by camera."""
    # random within a camera, and sorted by camera
    among = rng.permutation(among)
    among = among[np.argsort(labels.cam_id[among], kind='stable')]
    cams = labels.cam_id[among]
    # index of every image within its camera: all first ones come first
    turn = np.arange(len(among)) - np.searchsorted(cams, cams)
    chosen = np.sort(np.argsort(turn, kind='stable')[:number])
    return among[chosen].tolist()


def _cameras(cam_ids: np.ndarray) -> str:
    found = np.unique(cam_ids[cam_ids != NO_CAMERA]).tolist()
    if len(found) > _MAX_CAMERAS:
        return count_of(len(found), 'camera')
    plural = 's' if len(found) != 1 else ''
    return f'camera{plural} {", ".join(map(str, found)) or "unknown"}'
