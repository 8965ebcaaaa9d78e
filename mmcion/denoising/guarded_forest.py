"""GuardedForest: groups of identities that refuse doubtful links."""

from __future__ import annotations

import numpy as np

from .functional import csr, normalise


class GuardedForest:
    """Join identities pair by pair, unless a guard refuses (ours).

    A plain closure of the links chains different people together. So a link
    is refused if it would put two identities that share a frame into one
    group, or leave a member's centroid too far from the group's.

    Args:
        sums: ``(K, D)`` float64 feature sums of the identities.
        rivals: pairs ``(m,), (m,)`` of identities that share a frame.
        max_spread: largest distance of a member's centroid to the group's.

    Attributes:
        group: ``(K,)`` int64; members of a group have one number.
    """

    def __init__(
        self,
        sums: np.ndarray,
        rivals: tuple[np.ndarray, np.ndarray],
        max_spread: float,
    ) -> None:
        self.group = np.arange(len(sums))
        self.refused_spread = self.refused_cooccurring = 0
        self._sums = sums.copy()
        self._centroids = normalise(sums)
        self._max_spread = max_spread
        self._members = {k: [k] for k in range(len(sums))}
        one, other = (
            np.concatenate((rivals[i], rivals[1 - i])) for i in (0, 1)
        )
        self._rival_ptr, self._rivals = csr(one, other, len(sums))
        self._group_rivals: dict[int, set[int]] = {}

    def join(self, first: int, second: int) -> bool:
        """Join the groups of two identities unless a guard refuses."""
        a, b = sorted((int(self.group[first]), int(self.group[second])))
        if a == b:
            return False
        members, joining = self._members[a], self._members[b]
        rivals = self._rivals_of(a)
        if not rivals.isdisjoint(joining):
            self.refused_cooccurring += 1
            return False
        center = normalise(self._sums[a] + self._sums[b])
        near = self._centroids[members + joining] @ center
        if 1 - near.min() > self._max_spread:
            self.refused_spread += 1
            return False
        self._sums[a] += self._sums[b]
        self._group_rivals[a] = rivals | self._rivals_of(b)
        self._group_rivals.pop(b, None)
        members += self._members.pop(b)
        self.group[joining] = a
        return True

    def _rivals_of(self, k: int) -> set[int]:
        """Return the identities that share a frame with a member of k."""
        if k not in self._group_rivals:
            begin, end = self._rival_ptr[k : k + 2]
            self._group_rivals[k] = set(self._rivals[begin:end].tolist())
        return self._group_rivals[k]
