from __future__ import annotations

import numpy as np

from mmcion.structures import TrackletTable, cooccurring_pairs
from mmcion.structures.columns import as_integers
from mmcion.utils.checks import UserError


def tracks_across_cuts(table: TrackletTable) -> np.ndarray:
    """Label tracks whose identity is certain without using appearance.

    A track that runs across the cut between two clips of one recording has
    one identity in both; two tracks in the same frame have different ones.
    A set of such tracks is chosen in which every two co-occur, longest first
    (ours). Only a mistake of the tracker can make these labels wrong.

    Returns:
        ``(N,)`` int64 identity of every row, -1 for tracks not chosen.
    """
    first_rows = table.tracklet_ptr[:-1]
    source = np.unique(table.sources, return_inverse=True)[1]
    # tracklets with the same number in clips of a recording are one track
    keys = np.stack(
        (source[table.video_id[first_rows]], table.tracklet_id[first_rows])
    )
    _, track, num_clips = np.unique(
        keys, axis=1, return_inverse=True, return_counts=True
    )
    track = track.ravel()  # (T,) tracklet -> track
    # pairs of tracks in both orders
    pairs = cooccurring_pairs(table, table.tracklet_index)
    cooccurs = {(track[a], track[b]) for a, b in zip(*pairs, strict=True)}
    cooccurs |= {(b, a) for a, b in cooccurs}
    num_images = np.bincount(track, np.diff(table.tracklet_ptr))
    chosen: list[int] = []
    for candidate in np.argsort(-num_images, kind='stable'):
        if num_clips[candidate] > 1 and all(
            (candidate, other) in cooccurs for other in chosen
        ):
            chosen.append(int(candidate))
    label = np.full(len(num_clips), -1)
    label[chosen] = np.arange(len(chosen))
    return label[track][table.tracklet_index]


def query_gallery_split(
    pid: np.ndarray,
    cam_id: np.ndarray,
    *,
    images_per_camera: int = 20,
    queries_per_camera: int = 4,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose queries and gallery from identities of at least two cameras.

    Every identity and camera contributes the same number of images, evenly
    spaced, so that long tracks do not dominate.

    Args:
        pid: ``(N,)`` identities, negative = unknown.
        cam_id: ``(N,)`` cameras or videos.
        images_per_camera: Maximum number of images per identity and camera.
        queries_per_camera: Number of queries among them.

    Returns:
        Rows ``(M,)``, ascending, and whether each is a query, ``(M,)`` bool.

    Raises:
        UserError: If too few identities have two cameras.
    """
    pid = as_integers('pid', pid, np.int64)
    cam_id = as_integers('cam_id', cam_id, np.int64)
    rows: list[int] = []
    queries: list[int] = []
    num_identities = 0
    for identity in np.unique(pid[pid >= 0]):
        own = np.flatnonzero(pid == identity)
        cameras = np.unique(cam_id[own])
        if len(cameras) < 2:
            continue
        num_identities += 1
        for camera in cameras:
            here = own[cam_id[own] == camera]
            here = here[_evenly(len(here), images_per_camera)]
            # a single image is needed as a match more than as a query
            chosen = here[_evenly(len(here), queries_per_camera)]
            queries += chosen[: len(here) - 1].tolist()
            rows += here.tolist()
    if num_identities < 2 or not queries:
        raise UserError(
            f'a test needs two identities in two cameras, one twice in one; '
            f'got {num_identities} such identities, {len(queries)} queries.'
        )
    rows.sort()
    return np.array(rows), np.isin(rows, queries)


def _evenly(count: int, most: int) -> np.ndarray:
    """Return at most ``most`` indices spread over ``range(count)``."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))
