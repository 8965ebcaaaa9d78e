"""IdentityGroups: the identities of some rows while they change."""

from __future__ import annotations

import numpy as np

from .functional import consistent_rows, normalise


class IdentityGroups:
    """K identities over n rows, with centroids and who shares a frame.

    Two boxes in one frame of one video are two people (ours), so identities
    that share a frame can be forbidden to join.

    Args:
        feats: ``(n, D)`` unit vectors.
        moment: ``(n,)`` non-negative integers, equal for rows of the same
            frame of the same video.
        identity: ``(n,)`` integers 0..K-1, -1 = pooled. Copied.
        exclude_cooccurring: whether sharing a moment forbids joining.
    """

    def __init__(
        self,
        feats: np.ndarray,
        moment: np.ndarray,
        identity: np.ndarray,
        exclude_cooccurring: bool = True,
    ) -> None:
        self.feats = np.asarray(feats, np.float64)
        self.identity = identity.copy()
        num = int(identity.max(initial=-1)) + 1
        _, self._moment = np.unique(moment, return_inverse=True)
        self.sums = np.zeros((num, self.feats.shape[1]))
        assigned = identity >= 0
        np.add.at(self.sums, identity[assigned], self.feats[assigned])
        self._exclude = exclude_cooccurring
        moments = int(self._moment.max(initial=-1)) + 1
        self._present = np.zeros((moments, num), bool)
        self._present[self._moment[assigned], identity[assigned]] = True

    @property
    def num(self) -> int:
        """Number of identity slots K, empty ones included."""
        return len(self.sums)

    @property
    def centroids(self) -> np.ndarray:
        """``(K, D)``; zero for an identity without rows."""
        return normalise(self.sums)

    def rows(self, k: int) -> np.ndarray:
        """Return the rows of identity k, in order."""
        return np.flatnonzero(self.identity == k)

    def pool(self) -> np.ndarray:
        """Return the pooled rows, in order."""
        return np.flatnonzero(self.identity < 0)

    def forbidden_for_row(self, row: int) -> np.ndarray:
        """``(K,)`` bool: identities seen in the row's own frame."""
        return np.logical_and(self._present[self._moment[row]], self._exclude)

    def forbidden_for(self, k: int) -> np.ndarray:
        """``(K,)`` bool: identities that share a frame with identity k."""
        shared = self._present[self._present[:, k]].any(0)
        return np.logical_and(shared, self._exclude)

    def set_rows(self, k: int, rows: np.ndarray) -> None:
        """Make ``rows`` the whole of identity k; its others are pooled."""
        self.identity[self.identity == k] = -1
        self.identity[rows] = k
        self.sums[k] = self.feats[rows].sum(0)
        self._present[:, k] = False
        self._present[self._moment[rows], k] = True

    def is_consistent(self, rows: np.ndarray, sigma: float) -> bool:
        """Tell whether all rows lie within ``sigma`` of their centroid."""
        return bool(consistent_rows(self.feats[rows], sigma).all())

    def reallocate(self, sigma: float) -> int:
        """Give pooled rows to identities, nearest first.

        The order is fixed at the start; a row's nearest identity is that at
        its turn (ours). It joins if the distance is at most ``sigma`` and
        the identity stays consistent.

        Args:
            sigma: largest distance of a row to its identity's centroid.

        Returns:
            How many rows found an identity.
        """
        pool = self.pool()
        if not len(pool) or not self.num:
            return 0
        first = np.array([self._nearest(row)[1] for row in pool])
        moved = 0
        for row in pool[np.argsort(first, kind='stable')]:
            k, distance = self._nearest(row)
            if distance > sigma:
                continue
            rows = np.union1d(self.rows(k), row)
            if self.is_consistent(rows, sigma):
                self.set_rows(k, rows)
                moved += 1
        return moved

    def _nearest(self, row: int) -> tuple[int, float]:
        distance = 1 - self.centroids @ self.feats[row]
        empty = ~self._present.any(0)
        distance[self.forbidden_for_row(row) | empty] = np.inf
        k = int(np.argmin(distance))
        return k, float(distance[k])
