import numpy as np

from mmcion.structures import Csr

from .functional import (
    accept,
    add_rows,
    consistent_rows,
    normalise,
    one_box_per_frame,
    propose,
)

Pair = tuple[float, int, int]
_BLOCK = 1024  # identities on one side of a matrix of distances
# Distances are rounded, because a matrix product and a matrix-vector product
# differ in the last bits, which must not decide which of two pairs is the
# nearer.
_DISTANCE_DECIMALS = 12


class IdentityGroups:
    """K identities over n rows of a video, while they change.

    Two boxes in one frame of one video are two identities (ours), so
    identities that share a frame can be forbidden to join.

    Args:
        feats: ``(n, D)`` unit vectors.
        frame: ``(n,)`` integers, equal for rows of the same frame.
        identity: ``(n,)`` integers 0..K-1, -1 = pooled. Copied.
        exclude_cooccurring: Whether sharing frames forbids joining.
        usable: ``(n,)`` bool, False for rows that must stay pooled.
        min_shared_frames: Number of shared frames that forbids it.

    Attributes:
        identity: ``(n,)`` int64, as changed so far.
        num: K, identities without rows included.
        rows: Rows of every identity, in order.
        centroids: ``(K, D)`` float64; zero for an identity without rows.
    """

    def __init__(
        self,
        feats: np.ndarray,
        frame: np.ndarray,
        identity: np.ndarray,
        exclude_cooccurring: bool = True,
        usable: np.ndarray | None = None,
        min_shared_frames: int = 1,
    ) -> None:
        self.feats = np.ascontiguousarray(feats, np.float32)
        self.identity = identity.astype(np.int64)
        # frames numbered 0..F-1
        _, self._frame = np.unique(frame, return_inverse=True)
        self._exclude = exclude_cooccurring
        self._min_shared = min_shared_frames
        self._usable = np.ones(len(feats), bool) if usable is None else usable
        groups = Csr.from_identity(self.identity)
        self.num = len(groups.sizes)
        self.rows = [groups.get(k) for k in range(self.num)]
        self._frames = [
            frozenset(self._frame[rows].tolist()) for rows in self.rows
        ]
        sums = np.zeros((self.num, self.feats.shape[1]))
        add_rows(sums, self.feats, self.identity)
        self.centroids = normalise(sums)

    def set_rows(self, k: int, rows: np.ndarray) -> None:
        """Make ``rows`` the whole of identity k; its others are pooled."""
        self.identity[self.rows[k]] = -1
        self.identity[rows] = k
        self.rows[k] = rows
        self._update(k)

    def cooccur(self, a: int, b: int) -> bool:
        """Return whether two identities must not join: they share frames."""
        if not self._exclude:
            return False
        shared = self._frames[a] & self._frames[b]
        return len(shared) >= self._min_shared

    def drop_doubles(self, tracklet: np.ndarray) -> int:
        """Pool rows until no identity has two tracklets in one frame.

        ``tracklet`` has the numbers of the rows' tracklets, ``(n,)``. Returns
        the number of rows.
        """
        dropped = 0
        for k in range(self.num):
            rows = self.rows[k]
            if self._exclude and len(rows) > len(self._frames[k]):
                keep = one_box_per_frame(
                    self.feats[rows], self._frame[rows], tracklet[rows]
                )
                self.set_rows(k, rows[keep])
                dropped += int((~keep).sum())
        return dropped

    def union(self, a: int, b: int, sigma: float) -> tuple[np.ndarray, float]:
        """Return what level 1 would keep if two identities were one.

        Rows, and the fraction that the smaller side would lose (a, if equal).
        """
        rows = np.sort(np.concatenate((self.rows[a], self.rows[b])))
        keep = consistent_rows(self.feats[rows], sigma)
        smaller = a if len(self.rows[a]) <= len(self.rows[b]) else b
        loss = 1 - keep[self.identity[rows] == smaller].mean()
        return rows[keep], float(loss)

    def reallocate(self, sigma: float, max_ratio: float = 1.0) -> int:
        """Give pooled rows to identities; return the number accepted.

        A row is proposed to the nearest identity that is not in its frame.
        Every identity accepts its proposals, nearest first, as long as it
        stays consistent (ours).
        """
        # (P,) rows that may be given away
        pool = np.flatnonzero((self.identity < 0) & self._usable)
        if not len(pool):
            return 0
        rows, ids, _ = propose(
            self.feats[pool],
            pool,
            self.identity,
            self.centroids,
            np.zeros_like(self.identity),  # all of one video
            self._frame,
            sigma=sigma,
            max_ratio=max_ratio,
            exclude_cooccurring=self._exclude,
        )
        proposals = Csr.from_keys(ids, rows, self.num)
        members = Csr.from_identity(self.identity)
        accepted = accept(
            self.feats, self._frame, members, proposals, sigma, self._exclude
        )
        owner = np.repeat(np.arange(self.num), proposals.sizes)[accepted]
        self.identity[proposals.values[accepted]] = owner
        for k in np.unique(owner):
            self.rows[k] = np.flatnonzero(self.identity == k)
            self._update(k)
        return int(accepted.sum())

    def near_pairs(self, delta: float, k: int | None = None) -> list[Pair]:
        """Return ``(distance, a, b)``, a < b, of identities that may join.

        They are nearer than ``delta``; k is one of the two, if given.
        """
        firsts = np.arange(self.num) if k is None else np.array([k])
        pairs = []
        for start in range(0, len(firsts), _BLOCK):
            block = firsts[start : start + _BLOCK]
            cosine = self.centroids[block] @ self.centroids.T  # (block, K)
            distance = (1 - cosine).round(_DISTANCE_DECIMALS)
            near = distance < delta
            if k is None:
                near = np.triu(near, start + 1)  # every pair once
            for i, b in np.argwhere(near).tolist():
                a = start + i if k is None else k
                alive = len(self.rows[a]) and len(self.rows[b])
                if a != b and alive and not self.cooccur(a, b):
                    pairs.append((distance[i, b], min(a, b), max(a, b)))
        return pairs

    def _update(self, k: int) -> None:
        rows = self.rows[k]
        total = self.feats[rows].sum(0, dtype=np.float64)
        self.centroids[k] = normalise(total)
        self._frames[k] = frozenset(self._frame[rows].tolist())
