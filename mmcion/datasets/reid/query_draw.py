"""Split images into queries and gallery."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from .reid_image import JUNK, NO_CAMERA, ReIDImage


def draw_queries(
    images: Sequence[ReIDImage], seed: int
) -> dict[str, list[ReIDImage]]:
    """Draw a query for every identity and camera, as in Market-1501.

    - A query is drawn only if it and those before it keep a match from
      another camera; without cameras there is one query per identity.
    - Identities without a query stay in the gallery as distractors.
    - The draw of an identity depends on its own images and the seed only,
      not on the order of the images.

    Returns:
        ``query`` and ``gallery``, each in the order of ``images``.
    """
    by_pid: dict[int, list[ReIDImage]] = {}
    for image in images:
        if image.pid != JUNK:
            by_pid.setdefault(image.pid, []).append(image)
    drawn: set[str] = set()  # paths
    for pid, own in by_pid.items():
        # sorted, and with a generator of its own: neither the order of files
        # nor other identities change the draw
        own.sort()
        random.Random(f'{seed} {pid}').shuffle(own)
        gallery = Counter(image.cam_id for image in own)
        queries: dict[int, str] = {}  # path by camera
        for image in own:
            if image.cam_id in queries:
                continue
            gallery[image.cam_id] -= 1
            # images of the gallery that a query of each camera would match
            num_matches = [
                gallery.total() - (0 if cam == NO_CAMERA else gallery[cam])
                for cam in (*queries, image.cam_id)
            ]
            if all(num_matches):
                queries[image.cam_id] = image.path
            else:
                gallery[image.cam_id] += 1
        drawn.update(queries.values())
    return {
        'query': [image for image in images if image.path in drawn],
        'gallery': [image for image in images if image.path not in drawn],
    }
