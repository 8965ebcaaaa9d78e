"""Which pooled rows go to which identity.

Shapes: P pooled rows, n rows of identities, D dimensions, K identities. A
*moment* is one frame of one video, as a number; two boxes of one moment are
two people (ours). CSR means a pair (ptr, values): entry i owns
``values[ptr[i]:ptr[i + 1]]``.
"""

import numpy as np
from numba import prange

from .compiled import compiled, set_threads
from .consistency import NO_DIRECTION, TIE, dot

Csr = tuple[np.ndarray, np.ndarray]


def csr(keys: np.ndarray, values: np.ndarray, num: int) -> Csr:
    """Group values by their key 0..num-1, keeping their order."""
    order = np.argsort(keys, kind='stable')
    ptr = np.searchsorted(keys[order], np.arange(num + 1))
    return ptr, values[order]


def nearest_identity(
    feats: np.ndarray,
    centroids: np.ndarray,
    candidates: Csr,
    place: np.ndarray,
    forbidden: Csr,
    moment: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the nearest allowed identity of every pooled row.

    Args:
        feats: ``(P, D)`` unit vectors.
        centroids: ``(K, D)`` float64.
        candidates: identities by place.
        place: ``(P,)``, where to look for candidates: the row's video.
        forbidden: identities by moment.
        moment: ``(P,)``, of the row.

    Returns:
        Identity ``(P,)``, -1 where none is allowed; its distance ``(P,)``;
        and the distance to the second nearest ``(P,)``, infinite if there is
        none. Of identities equally near the first candidate is taken.
    """
    nearest = np.full(len(feats), -1)
    distance = np.full((2, len(feats)), np.inf)
    set_threads(feats.size)
    _nearest_identity(
        feats, centroids, *candidates, place, *forbidden, moment,
        nearest, distance,
    )  # fmt: skip
    return nearest, distance[0], distance[1]


@compiled(parallel=True)
def _nearest_identity(
    feats: np.ndarray,
    centroids: np.ndarray,
    candidate_ptr: np.ndarray,
    candidates: np.ndarray,
    place: np.ndarray,
    forbidden_ptr: np.ndarray,
    forbidden: np.ndarray,
    moment: np.ndarray,
    nearest: np.ndarray,
    distance: np.ndarray,
) -> None:
    for row in prange(len(feats)):
        here = forbidden[
            forbidden_ptr[moment[row]] : forbidden_ptr[moment[row] + 1]
        ]
        begin, end = candidate_ptr[place[row]], candidate_ptr[place[row] + 1]
        for k in candidates[begin:end]:
            away = 1 - dot(feats[row], centroids[k])
            if away >= distance[1, row] or np.any(here == k):
                continue
            if away < distance[0, row]:
                distance[1, row] = distance[0, row]
                nearest[row], distance[0, row] = k, away
            else:
                distance[1, row] = away


def admit(
    feats: np.ndarray,
    moment: np.ndarray,
    members: Csr,
    applicants: Csr,
    sigma: float,
    exclude_cooccurring: bool,
) -> np.ndarray:
    """Let every identity take its applicants one by one, if they fit.

    A row is taken if afterwards all rows of the identity lie within
    ``sigma`` of its centroid, and no two share a moment.

    Args:
        feats: ``(n, D)`` unit vectors of members and applicants.
        moment: ``(n,)``.
        members: rows by identity.
        applicants: rows by identity, in the order in which they are tried.
        sigma: largest distance to the centroid.
        exclude_cooccurring: whether a shared moment forbids.

    Returns:
        Bool for every applicant.
    """
    taken = np.zeros(len(applicants[1]), np.bool_)
    set_threads(feats.size)
    _admit(
        feats, moment, *members, *applicants, sigma, exclude_cooccurring, taken
    )
    return taken


@compiled(parallel=True)
def _admit(
    feats: np.ndarray,
    moment: np.ndarray,
    member_ptr: np.ndarray,
    members: np.ndarray,
    applicant_ptr: np.ndarray,
    applicants: np.ndarray,
    sigma: float,
    exclude: bool,
    taken: np.ndarray,
) -> None:
    for k in prange(len(member_ptr) - 1):
        first, last = applicant_ptr[k], applicant_ptr[k + 1]
        if first == last:
            continue
        old = members[member_ptr[k] : member_ptr[k + 1]]
        rows = np.empty(len(old) + last - first, np.int64)
        rows[: len(old)] = old
        count = len(old)
        total = np.zeros(feats.shape[1])
        for i in range(count):
            total += feats[rows[i]]
        inner = np.empty(len(rows))  # <f_i, sum of the rows>
        change = np.empty(len(rows))
        for i in range(count):
            inner[i] = dot(feats[rows[i]], total)
        for a in range(first, last):
            row = applicants[a]
            clash = False
            if exclude:
                for i in range(count):
                    clash = clash or moment[rows[i]] == moment[row]
            if clash:
                continue
            rows[count] = row
            inner[count] = dot(feats[row], total)
            square = 0.0
            for i in range(count + 1):
                change[i] = dot(feats[rows[i]], feats[row])
                square += inner[i] + change[i]
            norm = np.sqrt(max(square, 0.0))
            if norm <= NO_DIRECTION * (count + 1):
                norm = np.inf  # all are at distance 1 from a zero centroid
            fits = True
            for i in range(count + 1):
                away = 1 - (inner[i] + change[i]) / norm
                fits = fits and away <= sigma + TIE
            if fits:
                for i in range(count + 1):
                    inner[i] += change[i]
                total += feats[row]
                count += 1
                taken[a] = True
