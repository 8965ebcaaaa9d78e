"""ReIDImage: an image of a ReID data set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

JUNK = -1
NO_CAMERA = -1


class ReIDImage(NamedTuple):
    """Path and labels of an image."""

    path: str
    pid: int  # JUNK is ignored by a metric
    cam_id: int = NO_CAMERA
    tracklet_id: int | None = None  # if it belongs to a tracklet

    def to_dict(self, *, is_query: bool = False) -> dict[str, Any]:
        """Return the first input of a pipeline."""
        item = {**self._asdict(), 'is_query': is_query}
        item['img_path'] = item.pop('path')
        if self.tracklet_id is None:
            del item['tracklet_id']
        return item


def first_images(images: Iterable[ReIDImage]) -> list[ReIDImage]:
    """Return the first image of every tracklet; all without tracklets."""
    # images without a tracklet get a negative number each
    first: dict[int, ReIDImage] = {}
    for row, image in enumerate(images):
        own = -1 - row if image.tracklet_id is None else image.tracklet_id
        first.setdefault(own, image)
    return list(first.values())
