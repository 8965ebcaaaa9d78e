"""Tiles of a ranking: queries with their nearest gallery images."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mmcion.structures import RetrievalResult

from .text import count_of
from .tiles import COLUMNS, Tile, TileGroup, read_tile


def random_queries(
    result: RetrievalResult, count: int, *, seed: int = 0
) -> np.ndarray:
    """Return up to ``count`` indices of queries, drawn and ascending."""
    rng = np.random.default_rng(seed)
    return np.sort(rng.permutation(len(result.query_rows))[:count])


def worst_queries(result: RetrievalResult, count: int) -> np.ndarray:
    """Return up to ``count`` indices of valid queries, the worst AP first."""
    # an invalid query has average precision 0 and would come first
    order = np.argsort(result.ap, kind='stable')
    return order[result.num_matches[order] > 0][:count]


def confident_errors(result: RetrievalResult, count: int) -> np.ndarray:
    """Return valid queries whose nearest image is no match, nearest first.

    They show which identities look alike to the model, and where labels may
    be wrong. Up to ``count`` indices are returned.
    """
    if not result.nearest.shape[1]:
        return np.zeros(0, int)
    pid = result.features.pid
    first = result.nearest[:, 0]  # -1 where nothing was ranked
    wrong = (first >= 0) & (pid[first] != pid[result.query_rows])
    # a query without a match cannot be answered
    wrong &= result.num_matches > 0
    order = np.argsort(result.distances[:, 0], kind='stable')
    return order[wrong[order]][:count]


def ranked_groups(
    result: RetrievalResult, queries: Iterable[int], *, topk: int = COLUMNS
) -> list[TileGroup]:
    """Show queries beside their nearest images: green matches, red errors.

    Below an image are its camera, distance and mark, as in ``c3 0.214 ✓``, so
    that colour is not needed; cameras only if there are several.

    Args:
        result: Ranking.
        queries: Indices of queries.
        topk: Gallery images per query, at most.
    """
    features = result.features
    pid, cam = features.pid, features.cam_id
    cameras = len(np.unique(cam)) > 1

    def tile(row: int, caption: str, border: str) -> Tile:
        # the path itself is what read_image takes
        return read_tile(str, str(features.img_path[row]), caption, border)

    groups = []
    for query in queries:
        row = result.query_rows[query]
        # (K,) -> (k,): fewer than K images may have been ranked
        counted = result.nearest[query] >= 0
        nearest = result.nearest[query][counted][:topk]
        distances = result.distances[query][counted][:topk]
        matches = pid[nearest] == pid[row]
        gallery = [
            tile(
                other,
                f'c{cam[other]} ' * cameras
                + f'{distance:.3f} {"✗✓"[int(match)]}',
                'green' if match else 'red',
            )
            for other, distance, match in zip(
                nearest, distances, matches, strict=True
            )
        ]
        caption = f'{pid[row]}' + f', c{cam[row]}' * cameras
        heading = f'Identity {pid[row]}' + f' from camera {cam[row]}' * cameras
        count = int(result.num_matches[query])
        where = f'none among the first {len(matches)}'
        if matches.any():
            where = f'the first at rank {matches.argmax() + 1}'
        score = (
            f'AP {result.ap[query]:.1%}, {count_of(count, "match")}, {where}'
        )
        heading += f': {score if count else "no match in the gallery"}'
        first = tile(row, caption, 'ink')
        groups.append(TileGroup([[first], gallery], heading))
    return groups
