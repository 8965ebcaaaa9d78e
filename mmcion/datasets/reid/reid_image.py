"""ReIDImage: what every reader of an evaluation set knows of an image."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

JUNK = -1
NO_CAMERA = -1


class ReIDImage(NamedTuple):
    """One image.

    Attributes:
        path: of the file.
        pid: identity; -1 is junk, which a metric leaves out.
        cam_id: camera; -1 where cameras are not known.
        tracklet_id: sequence of images that it belongs to, if any.
    """

    path: str
    pid: int
    cam_id: int = NO_CAMERA
    tracklet_id: int | None = None


def first_images(images: Iterable[ReIDImage]) -> list[ReIDImage]:
    """Return the first image of every tracklet; all without tracklets."""
    first: dict[int, ReIDImage] = {}
    for row, image in enumerate(images):
        own = -1 - row if image.tracklet_id is None else image.tracklet_id
        first.setdefault(own, image)
    return list(first.values())
