"""Split images into queries and gallery."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from .reid_image import JUNK, NO_CAMERA, ReIDImage


def draw_queries(
    images: Sequence[ReIDImage], seed: int
) -> tuple[list[ReIDImage], list[ReIDImage]]:
    """Draw a query for every identity and camera, as in Market-1501.

    - A query is drawn only if it and those before it keep a match from
      another camera; without cameras there is one query per identity.
    - Identities without a query stay in the gallery as distractors.
    - The draw of an identity depends on its own images and the seed only,
      not on the order of the images.

    Args:
        images: Images of all identities.
        seed: Seed of the draw.

    Returns:
        Queries and gallery, each in the order of ``images``.
    """
    by_pid: dict[int, list[ReIDImage]] = {}
    for image in images:
        if image.pid != JUNK:
            by_pid.setdefault(image.pid, []).append(image)
    # sorted images and an own generator: neither the order of files nor the
    # other identities change the draw
    drawn = {
        image.path
        for pid, own in by_pid.items()
        for image in _draw(sorted(own), random.Random(f'{seed} {pid}'))
    }
    queries = [image for image in images if image.path in drawn]
    return queries, [image for image in images if image.path not in drawn]


def _draw(images: list[ReIDImage], rng: random.Random) -> list[ReIDImage]:
    """Draw the queries of one identity."""
    rng.shuffle(images)
    gallery = Counter(image.cam_id for image in images)
    queries: dict[int, ReIDImage] = {}
    for image in images:
        if image.cam_id in queries:
            continue
        gallery[image.cam_id] -= 1
        # images of the gallery that a query of each camera would match
        num_matches = [
            gallery.total() - (0 if cam == NO_CAMERA else gallery[cam])
            for cam in (*queries, image.cam_id)
        ]
        if all(num_matches):
            queries[image.cam_id] = image
        else:
            gallery[image.cam_id] += 1
    return list(queries.values())
