"""IdentityGroups: the identities of a video while they change."""

from __future__ import annotations

import numpy as np

from .functional import (
    accept,
    consistent_rows,
    csr,
    nearest_identity,
    normalise,
)
from .grouped_rows import GroupedRows

Pair = tuple[float, int, int]
_BLOCK = 1024  # identities on one side of a matrix of distances
# Distances are rounded to so many decimals, because a matrix product and a
# matrix-vector product differ in the last bits, which must not decide which
# of two pairs is the nearer.
_DISTANCE_DECIMALS = 12


class IdentityGroups:
    """K identities over n rows, with centroids and the frames they are in.

    Two boxes in one frame of one video are two identities (ours), so
    identities that share a frame can be forbidden to join.

    Args:
        feats: ``(n, D)`` unit vectors.
        frame: ``(n,)`` integers, equal for rows of the same frame.
        identity: ``(n,)`` integers 0..K-1, -1 = pooled. Copied.
        exclude_cooccurring: Whether sharing a frame forbids joining.
        usable: ``(n,)`` bool, False for rows that must stay pooled; None
            if all may be given away.

    Attributes:
        identity: ``(n,)`` int64, as changed so far.
        num: K, identities without rows included.
        centroids: ``(K, D)`` float64; zero for an identity without rows.
    """

    def __init__(
        self,
        feats: np.ndarray,
        frame: np.ndarray,
        identity: np.ndarray,
        exclude_cooccurring: bool = True,
        usable: np.ndarray | None = None,
    ) -> None:
        self.feats = np.ascontiguousarray(feats, np.float32)
        self.identity = identity.astype(np.int64)
        # frames numbered 0..F-1
        _, self._frame = np.unique(frame, return_inverse=True)
        self._exclude = exclude_cooccurring
        self._usable = np.ones(len(feats), bool) if usable is None else usable
        groups = GroupedRows(self.identity)
        self.num = len(groups)
        self._rows = [groups[k] for k in range(self.num)]
        self._frames = [frozenset[int]()] * self.num
        self.centroids = np.zeros((self.num, self.feats.shape[1]))
        for k in range(self.num):
            self._update(k)

    def rows(self, k: int) -> np.ndarray:
        """Return the rows of identity k, in order."""
        return self._rows[k]

    def set_rows(self, k: int, rows: np.ndarray) -> None:
        """Make ``rows`` the whole of identity k; its others are pooled."""
        self.identity[self._rows[k]] = -1
        self.identity[rows] = k
        self._rows[k] = rows
        self._update(k)

    def pool(self) -> np.ndarray:
        """Return the pooled rows that may be given away, in order."""
        return np.flatnonzero((self.identity < 0) & self._usable)

    def cooccur(self, a: int, b: int) -> bool:
        """Return whether two identities must not join: they share a frame."""
        return self._exclude and not self._frames[a].isdisjoint(
            self._frames[b]
        )

    def union(self, a: int, b: int, sigma: float) -> tuple[np.ndarray, float]:
        """Return what level 1 would keep if two identities were one.

        Returns:
            Rows that would stay, and the fraction that the smaller side
            would lose (the side of a, if they are equal).
        """
        rows = np.sort(np.concatenate((self._rows[a], self._rows[b])))
        keep = consistent_rows(self.feats[rows], sigma)
        smaller = a if len(self._rows[a]) <= len(self._rows[b]) else b
        loss = 1 - keep[self.identity[rows] == smaller].mean()
        return rows[keep], float(loss)

    def reallocate(self, sigma: float, max_ratio: float = 1.0) -> int:
        """Give pooled rows to identities, nearest first.

        A row is proposed to the nearest identity that is not in its frame.
        Every identity accepts its proposals, nearest first, as long as it
        stays consistent (ours).

        Args:
            sigma: Largest distance of a row to its identity's centroid.
            max_ratio: A row is proposed only if the nearest identity is at
                most this times as far as the second nearest.

        Returns:
            Number of rows that were accepted.
        """
        pool = self.pool()  # (P,)
        alive = np.flatnonzero([len(rows) for rows in self._rows])
        if not len(pool) or not len(alive):
            return 0
        members = GroupedRows(self.identity)
        seen = members.rows if self._exclude else members.rows[:0]
        nearest, distance, second = nearest_identity(
            self.feats[pool],
            self.centroids,
            # one video, in which every identity is a candidate
            (np.array([0, len(alive)]), alive),
            np.zeros(len(pool), np.int64),
            csr(self._frame[seen], self.identity[seen], len(self.feats)),
            self._frame[pool],
        )
        proposed = np.flatnonzero(
            (distance <= sigma) & (distance <= max_ratio * second)
        )
        proposed = proposed[np.argsort(distance[proposed], kind='stable')]
        ptr, rows = csr(nearest[proposed], pool[proposed], self.num)
        accepted = accept(
            self.feats,
            self._frame,
            (members.ptr, members.rows),
            (ptr, rows),
            sigma,
            self._exclude,
        )
        owner = np.repeat(np.arange(self.num), np.diff(ptr))  # of each row
        self.identity[rows[accepted]] = owner[accepted]
        for k in np.unique(owner[accepted]):
            self._rows[k] = np.flatnonzero(self.identity == k)
            self._update(k)
        return int(accepted.sum())

    def near_pairs(self, delta: float) -> list[Pair]:
        """Return ``(distance, a, b)``, a < b, of identities that may join."""
        pairs: list[Pair] = []
        for start in range(0, self.num, _BLOCK):
            block = self.centroids[start : start + _BLOCK]
            cosine = block @ self.centroids.T  # (block, K)
            distance = (1 - cosine).round(_DISTANCE_DECIMALS)
            near = np.triu(distance < delta, start + 1)
            for i, b in np.argwhere(near).tolist():
                pairs.append((distance[i, b], start + i, b))
        return self._joinable(pairs)

    def near_pairs_of(self, k: int, delta: float) -> list[Pair]:
        """Return the pairs of identity k, as ``near_pairs``."""
        cosine = self.centroids @ self.centroids[k]  # (K,)
        distance = (1 - cosine).round(_DISTANCE_DECIMALS)
        others = np.flatnonzero(distance < delta).tolist()
        return self._joinable(
            [
                (distance[other], min(k, other), max(k, other))
                for other in others
                if other != k
            ]
        )

    def _joinable(self, pairs: list[Pair]) -> list[Pair]:
        return [
            (distance, a, b)
            for distance, a, b in pairs
            if len(self._rows[a])
            and len(self._rows[b])
            and not self.cooccur(a, b)
        ]

    def _update(self, k: int) -> None:
        rows = self._rows[k]
        total = self.feats[rows].sum(0, dtype=np.float64)
        self.centroids[k] = normalise(total)
        self._frames[k] = frozenset(self._frame[rows].tolist())
