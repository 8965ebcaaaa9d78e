"""ConstrainedUnionFind: groups of identities that refuse doubtful links."""

import numpy as np

from mmcion.structures import Csr

from .functional import normalise


class ConstrainedUnionFind:
    """Union-find over identities with cannot-link constraints (ours).

    The plain closure of links chains different identities together. So a
    link is refused if it would put a co-occurring pair into one group, or
    leave a member's centroid too far from the group's.

    Args:
        sums: ``(K, D)`` float64 feature sums of the identities.
        cooccurring: Pairs ``(m,), (m,)`` of identities that share a frame.
        max_spread: Largest distance of a member's centroid to the group's.

    Attributes:
        group: ``(K,)`` int64; members of a group have one number.
        refused_spread: Number of links refused because of ``max_spread``.
        refused_cooccurring: Number of links refused because of a
            co-occurring pair.
    """

    def __init__(
        self,
        sums: np.ndarray,
        cooccurring: tuple[np.ndarray, np.ndarray],
        max_spread: float,
    ) -> None:
        self.group = np.arange(len(sums))
        self.refused_spread = self.refused_cooccurring = 0
        # A group is known by its smallest member: its feature sum stands in
        # that row, which makes its centroid that of all images.
        self._sums = sums.copy()
        self._members = {k: [k] for k in range(len(sums))}
        self._centroids = normalise(sums)  # of the members, never changed
        self._max_spread = max_spread
        first, second = cooccurring
        self._cooccurring = Csr.from_keys(
            np.concatenate((first, second)),
            np.concatenate((second, first)),
            len(sums),
        )
        # per group, identities that share a frame with a member; filled when
        # a group is first linked
        self._forbidden: dict[int, set[int]] = {}

    def join(self, first: int, second: int) -> bool:
        """Join the groups of two identities unless the link is refused.

        Returns:
            Whether they were joined. Within one group nothing is.
        """
        a, b = sorted((int(self.group[first]), int(self.group[second])))
        if a == b:
            return False
        members, joining = self._members[a], self._members[b]
        forbidden = self._forbidden_to(a)
        if not forbidden.isdisjoint(joining):
            self.refused_cooccurring += 1
            return False
        centroid = normalise(self._sums[a] + self._sums[b])
        cosine = self._centroids[members + joining] @ centroid
        if 1 - cosine.min() > self._max_spread:
            self.refused_spread += 1
            return False
        self._sums[a] += self._sums[b]
        self._forbidden[a] = forbidden | self._forbidden_to(b)
        self._forbidden.pop(b, None)
        members += self._members.pop(b)
        self.group[joining] = a
        return True

    def _forbidden_to(self, k: int) -> set[int]:
        """Return the identities that share a frame with a member of k."""
        if k not in self._forbidden:
            self._forbidden[k] = set(self._cooccurring.get(k).tolist())
        return self._forbidden[k]
