"""ReIDImage: an image of a ReID data set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

JUNK = -1
NO_CAMERA = -1


class ReIDImage(NamedTuple):
    """Path and labels of an image.

    Attributes:
        path: Image file.
        pid: Identity; -1 is junk, which a metric ignores.
        cam_id: Camera; -1 if unknown.
        tracklet_id: Tracklet of the image, if it belongs to one.
    """

    path: str
    pid: int
    cam_id: int = NO_CAMERA
    tracklet_id: int | None = None

    def to_dict(self, *, is_query: bool = False) -> dict[str, Any]:
        """Return the first input of a pipeline."""
        item: dict[str, Any] = {
            'img_path': self.path,
            'pid': self.pid,
            'cam_id': self.cam_id,
            'is_query': is_query,
        }
        if self.tracklet_id is not None:
            item['tracklet_id'] = self.tracklet_id
        return item


def first_images(images: Iterable[ReIDImage]) -> list[ReIDImage]:
    """Return the first image of every tracklet; all without tracklets."""
    # images without a tracklet get a negative number each
    first: dict[int, ReIDImage] = {}
    for row, image in enumerate(images):
        own = -1 - row if image.tracklet_id is None else image.tracklet_id
        first.setdefault(own, image)
    return list(first.values())
