"""Which gallery images count for a query: the rule of Market-1501."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np


class GalleryMatching:
    """Matches of each query in a gallery, and what is ignored for it.

    - A match has the query's identity and another camera.
    - Images of the query's identity *and* camera are ignored.
    - Without cameras every image of the identity is a match.

    Junk is no concern of this class: drop it before, or afterwards.

    Source: Zheng et al., "Scalable person re-identification: a benchmark",
    ICCV 2015, and its evaluation code.

    Args:
        q_pids: ``(Q,)`` identities of the queries.
        g_pids: ``(G,)`` identities of the gallery.
        q_cams: ``(Q,)`` cameras of the queries, or None.
        g_cams: ``(G,)`` cameras of the gallery, or None.
        ignored_cams: Cameras whose images of the identity are ignored, by
            the camera of the query. By default it is the query's own; with
            a mapping only those that are listed.
    """

    def __init__(
        self,
        q_pids: np.ndarray,
        g_pids: np.ndarray,
        q_cams: np.ndarray | None = None,
        g_cams: np.ndarray | None = None,
        *,
        ignored_cams: Mapping[int, Collection[int]] | None = None,
    ) -> None:
        self.q_cams, self.g_cams = q_cams, g_cams
        self.ignored_cams = ignored_cams
        # one sort; query q's identity is then rows order[start[q]:stop[q]]
        self._order = np.argsort(g_pids, kind='stable')
        in_order = np.asarray(g_pids)[self._order]
        self._start = np.searchsorted(in_order, q_pids, side='left')
        self._stop = np.searchsorted(in_order, q_pids, side='right')

    def same_identity(self, query: int) -> np.ndarray:
        """Return the gallery rows of a query's identity, ascending."""
        return self._order[self._start[query] : self._stop[query]]

    def split(self, query: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the gallery rows of a query's matches and of the ignored.

        Args:
            query: Index of the query.

        Returns:
            Two ascending index arrays; together all rows of the identity.
        """
        same = self.same_identity(query)
        if self.q_cams is None or self.g_cams is None:
            return same, same[:0]
        # of the identity's images only the camera decides: (n,) bool
        camera = self.q_cams[query]
        if self.ignored_cams is None:
            ignored = self.g_cams[same] == camera
        else:
            cameras = list(self.ignored_cams.get(int(camera), ()))
            ignored = np.isin(self.g_cams[same], cameras)
        return same[~ignored], same[ignored]

    def num_same_identity(self) -> np.ndarray:
        """Return the number of gallery images of each query's identity."""
        return self._stop - self._start

    def num_matches(self) -> np.ndarray:
        """Return the number of matches of each query, ``(Q,)``."""
        if self.q_cams is None or self.g_cams is None:
            return self.num_same_identity()
        queries = range(len(self._start))
        return np.array([len(self.split(q)[0]) for q in queries], np.int64)
