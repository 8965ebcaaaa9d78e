"""Which gallery images count for each query."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from .csr import Csr


def rows_of_same_identity(q_pids: np.ndarray, g_pids: np.ndarray) -> Csr:
    """Return the gallery rows with the identity of each query, ascending.

    Args:
        q_pids: ``(Q,)`` identities.
        g_pids: ``(G,)`` identities.
    """
    # identities of both as numbers: (Q + G,), queries first
    pids, keys = np.unique(
        np.concatenate((q_pids, g_pids)), return_inverse=True
    )
    q_keys, g_keys = np.split(keys, [len(q_pids)])
    rows = np.arange(len(g_pids))
    return Csr.from_keys(g_keys, rows, len(pids)).take(q_keys)


def split_by_camera(
    same: Csr,
    q_cams: np.ndarray,
    g_cams: np.ndarray,
    ignored_cams: Mapping[int, Collection[int]] | None = None,
) -> tuple[Csr, Csr]:
    """Split the rows of an identity into matches and ignored rows.

    By the rule of Market-1501, images of the query's identity *and* camera
    are ignored; the others are matches.

    Source: Zheng et al., "Scalable person re-identification: a benchmark",
    ICCV 2015, and its evaluation code.

    Args:
        same: Gallery rows with the identity of each of Q queries.
        q_cams: ``(Q,)`` cameras of the queries.
        g_cams: ``(G,)`` cameras of the gallery.
        ignored_cams: Cameras that are ignored, by the camera of the query,
            for protocols with another rule.
    """
    query_cams, cams = q_cams[same.keys], g_cams[same.values]  # (n,)
    if ignored_cams is None:
        ignored = query_cams == cams
    else:
        ignored = np.zeros(len(cams), bool)
        for camera, others in ignored_cams.items():
            ignored |= (query_cams == camera) & np.isin(cams, list(others))
    return same.select(~ignored), same.select(ignored)


def explain_no_match(
    num_queries: int, num_gallery: int, num_shared: int
) -> str:
    """Return why no query has a match, and what to do about it.

    Args:
        num_queries: Number of queries without junk.
        num_gallery: Number of gallery images without junk.
        num_shared: Number of queries with an identity of the gallery.
    """
    for part, number in (('query', num_queries), ('gallery', num_gallery)):
        if not number:
            return (
                f'there is no {part} image with an identity. Mark labelled '
                f'images as {part}.'
            )
    if not num_shared:
        return (
            'no query identity is in the gallery. Label both with the same '
            'identities.'
        )
    return (
        'gallery images of the query identities are all from ignored cameras, '
        'such as that of their query. Set the real cameras, or '
        'test_evaluator.camera_aware=False.'
    )
