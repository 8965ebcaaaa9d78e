"""A query and gallery split of a tracklet table."""

from __future__ import annotations

import numpy as np

from mmcion.structures import TrackletTable, cooccurring_pairs


def people_across_cuts(table: TrackletTable) -> np.ndarray:
    """Label people whose identity is certain without looking at anyone.

    A track that runs across the cut between two clips of one recording is
    one person in both. Two tracks that share a frame are two people. Chosen
    is a set of such tracks in which every two were seen together, longest
    tracks first, so no label rests on appearance (ours). A mistake of the
    tracker is the only thing that can make them wrong.

    Returns:
        ``(N,)`` int64 label of every row, -1 for rows of nobody chosen.
    """
    first_rows = table.tracklet_ptr[:-1]
    source = np.unique(table.sources, return_inverse=True)[1]
    keys = np.stack(
        (
            source[table.video_id[first_rows]],
            table.tracklet_id[first_rows],
        )
    )
    _, track, clips = np.unique(
        keys, axis=1, return_inverse=True, return_counts=True
    )
    track = track.ravel()
    seen_together = {
        (int(track[a]), int(track[b]))
        for a, b in zip(
            *cooccurring_pairs(table, table.tracklet_index), strict=True
        )
    }
    images = np.bincount(
        track, np.diff(table.tracklet_ptr), minlength=len(clips)
    )
    chosen: list[int] = []
    for candidate in np.argsort(-images, kind='stable'):
        if clips[candidate] > 1 and all(
            (candidate, other) in seen_together
            or (other, candidate) in seen_together
            for other in chosen
        ):
            chosen.append(int(candidate))
    label = np.full(len(clips), -1)
    label[chosen] = np.arange(len(chosen))
    return label[track][table.tracklet_index]


def query_gallery_split(
    pid: np.ndarray,
    cam_id: np.ndarray,
    *,
    images_per_camera: int = 20,
    queries_per_camera: int = 4,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose queries and gallery of people seen by several cameras.

    From every person and camera the same number of images is taken, evenly
    spaced, so that nobody who stood still outweighs the rest.

    Args:
        pid: ``(N,)`` identities, negative = unknown.
        cam_id: ``(N,)`` cameras or videos.
        images_per_camera: most images of one person in one camera.
        queries_per_camera: how many of them are queries.

    Returns:
        Rows ``(M,)`` in order, and whether each is a query, ``(M,)`` bool.

    Raises:
        ValueError: if fewer than two people were seen by two cameras, or
            none of them twice by one camera.
    """
    rows: list[int] = []
    queries: list[int] = []
    people = 0
    for person in np.unique(pid[pid >= 0]):
        own = np.flatnonzero(pid == person)
        cameras = np.unique(cam_id[own])
        if len(cameras) < 2:
            continue
        people += 1
        for camera in cameras:
            here = own[cam_id[own] == camera]
            taken = here[_evenly(len(here), images_per_camera)]
            # a single image is needed as a match more than as a query
            queried = _evenly(len(taken), queries_per_camera)
            queries += taken[queried[: len(taken) - 1]].tolist()
            rows += taken.tolist()
    if people < 2:
        raise ValueError(
            f'{people} people were seen by two cameras or more, and a test '
            f'needs at least two: give other labels, or more videos.'
        )
    if not queries:
        raise ValueError(
            f'{people} people were seen by two cameras, but only once by '
            f'each, so there is no query: give more images of them.'
        )
    ordered = np.sort(rows)
    return ordered, np.isin(ordered, queries)


def _evenly(count: int, most: int) -> np.ndarray:
    """Return at most ``most`` indices spread over ``range(count)``."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))
