"""Which gallery images count for each query."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass
class GalleryRows:
    """Some gallery rows of each of Q queries, in compressed form.

    Attributes:
        ptr: ``(Q + 1,)`` rows of query q are
            ``rows[ptr[q]:ptr[q + 1]]``.
        rows: ``(P,)`` gallery rows, ascending within a query.
    """

    ptr: np.ndarray
    rows: np.ndarray

    @property
    def query(self) -> np.ndarray:
        """``(P,)`` query of each row."""
        return np.repeat(np.arange(len(self.ptr) - 1), np.diff(self.ptr))

    def select(self, keep: np.ndarray) -> GalleryRows:
        """Return the rows where ``keep``, ``(P,)`` bool, is set."""
        num_kept = np.concatenate(([0], np.cumsum(keep)))
        return GalleryRows(num_kept[self.ptr], self.rows[keep])

    def block(self, start: int, stop: int) -> GalleryRows:
        """Return the rows of the queries ``start`` to ``stop - 1``."""
        ptr = self.ptr[start : stop + 1]
        return GalleryRows(ptr - ptr[0], self.rows[ptr[0] : ptr[-1]])


def rows_of_same_identity(
    q_pids: np.ndarray, g_pids: np.ndarray
) -> GalleryRows:
    """Return the gallery rows with the identity of each query.

    Args:
        q_pids: ``(Q,)`` identities.
        g_pids: ``(G,)`` identities.
    """
    by_pid = np.argsort(g_pids, kind='stable')
    first = np.searchsorted(g_pids, q_pids, side='left', sorter=by_pid)
    last = np.searchsorted(g_pids, q_pids, side='right', sorter=by_pid)
    ptr = np.concatenate(([0], np.cumsum(last - first)))
    # pair p of query q is number p - ptr[q] of its run in by_pid
    place = np.arange(ptr[-1]) + np.repeat(first - ptr[:-1], last - first)
    return GalleryRows(ptr, by_pid[place])


def split_by_camera(
    same: GalleryRows,
    q_cams: np.ndarray,
    g_cams: np.ndarray,
    ignored_cams: Mapping[int, Collection[int]] | None = None,
) -> tuple[GalleryRows, GalleryRows]:
    """Split the rows of an identity into matches and ignored rows.

    By the rule of Market-1501, images of the query's identity *and* camera
    are ignored; the others are matches.

    Source: Zheng et al., "Scalable person re-identification: a benchmark",
    ICCV 2015, and its evaluation code.

    Args:
        same: Gallery rows with the identity of each of Q queries.
        q_cams: ``(Q,)`` cameras of the queries.
        g_cams: ``(G,)`` cameras of the gallery.
        ignored_cams: Other rules: the cameras that are ignored, by the
            camera of the query; none for cameras that are not listed.
    """
    query_cams, cams = q_cams[same.query], g_cams[same.rows]  # (P,)
    if ignored_cams is None:
        ignored = query_cams == cams
    else:
        ignored = np.zeros(len(cams), bool)
        for camera, others in ignored_cams.items():
            ignored |= (query_cams == camera) & np.isin(cams, list(others))
    return same.select(~ignored), same.select(ignored)
