"""Split images of one's own into queries and gallery."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from .reid_image import JUNK, NO_CAMERA, ReIDImage


def draw_queries(
    images: Sequence[ReIDImage], seed: int
) -> tuple[list[ReIDImage], list[ReIDImage]]:
    """Draw a query for every identity and camera, as Market-1501 has them.

    - A query is drawn only if it and those before it keep a match in another
      camera; without cameras it is one query per identity.
    - Identities without a query stay in the gallery as wrong answers.
    - The draw of an identity depends on its own images and the seed alone,
      not on the order of the images.

    Args:
        images: of all identities.
        seed: of the draw.

    Returns:
        Queries and gallery, each in the order of ``images``.
    """
    persons: dict[int, list[ReIDImage]] = {}
    for image in images:
        if image.pid != JUNK:
            persons.setdefault(image.pid, []).append(image)
    drawn = {
        image.path
        for pid, own in persons.items()
        for image in _draw(sorted(own), random.Random(f'{seed} {pid}'))
    }
    queries = [image for image in images if image.path in drawn]
    return queries, [image for image in images if image.path not in drawn]


def _draw(images: list[ReIDImage], rng: random.Random) -> list[ReIDImage]:
    rng.shuffle(images)
    left = Counter(image.cam_id for image in images)
    queries: dict[int, ReIDImage] = {}
    for image in images:
        if image.cam_id in queries:
            continue
        left[image.cam_id] -= 1
        asked = {*queries, image.cam_id}
        if all(_num_matches(left, cam_id) for cam_id in asked):
            queries[image.cam_id] = image
        else:
            left[image.cam_id] += 1
    return list(queries.values())


def _num_matches(left: Counter[int], cam_id: int) -> int:
    own = 0 if cam_id == NO_CAMERA else left[cam_id]
    return left.total() - own
