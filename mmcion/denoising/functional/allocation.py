"""Proposing pooled rows to identities, and accepting them (ours).

Shapes: n rows of which P are pooled, D dimensions, K identities. A *frame
key* numbers the frames of all videos: two boxes with one frame key are two
identities.
"""

import numpy as np
from numba import prange

from mmcion.structures import Csr

from .centroids import dot
from .compiled import compiled
from .consistency import MIN_MEAN_LENGTH, TIE


def propose(
    feats: np.ndarray,
    pool: np.ndarray,
    identity: np.ndarray,
    centroids: np.ndarray,
    video: np.ndarray,
    frame_key: np.ndarray,
    *,
    sigma: float,
    max_ratio: float,
    exclude_cooccurring: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Propose every pooled row to the nearest identity of its video.

    Args:
        feats: ``(P, D)`` unit vectors of the pooled rows.
        pool: ``(P,)`` pooled rows, ascending.
        identity: ``(n,)`` integers in 0..K-1, -1 = pooled.
        centroids: ``(K, D)`` float64.
        video: ``(n,)`` int64 from 0.
        frame_key: ``(n,)`` int64 from 0.
        sigma: Largest distance of a row to the identity's centroid.
        max_ratio: Largest ratio of the distances to the nearest and the
            second nearest identity.
        exclude_cooccurring: Whether identities in the row's frame are
            excluded.

    Returns:
        Row, identity and distance of the proposals, ``(m,)`` each, nearest
        first; of equal distances the earlier row.
    """
    seen = np.flatnonzero(identity >= 0)
    num = max(len(centroids), 1)
    # candidates: distinct pairs (video, identity)
    pairs = np.unique(video[seen] * num + identity[seen])
    num_videos = int(video.max(initial=-1)) + 1
    candidates = Csr.from_keys(pairs // num, pairs % num, num_videos)
    if not exclude_cooccurring:
        seen = seen[:0]
    num_frames = int(frame_key.max(initial=-1)) + 1
    nearest, distance, second = nearest_identity(
        feats,
        centroids,
        candidates.values,
        candidates.ptr[video[pool]],
        candidates.ptr[video[pool] + 1],
        Csr.from_keys(frame_key[seen], identity[seen], num_frames),
        frame_key[pool],
    )
    near = np.flatnonzero(distance <= np.minimum(sigma, max_ratio * second))
    near = near[np.argsort(distance[near], kind='stable')]
    return pool[near], nearest[near], distance[near]


@compiled(parallel=True)
def nearest_identity(
    feats: np.ndarray,
    centroids: np.ndarray,
    candidates: np.ndarray,
    start: np.ndarray,
    stop: np.ndarray,
    forbidden: Csr,
    key: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the nearest allowed identity of each of P pooled rows.

    Row p may go to the identities ``candidates[start[p]:stop[p]]``, except
    those in the list ``key[p]`` of ``forbidden``.

    Returns:
        Identity ``(P,)``, -1 where none is allowed; its distance ``(P,)``;
        and the distance to the second nearest ``(P,)``, infinite if there is
        none. Of identities equally near the first candidate is taken.
    """
    nearest = np.full(len(feats), -1)
    distance = np.full((2, len(feats)), np.inf)  # nearest, second nearest
    ptr, values = forbidden
    for row in prange(len(feats)):
        excluded = values[ptr[key[row]] : ptr[key[row] + 1]]
        for k in candidates[start[row] : stop[row]]:
            away = 1 - dot(feats[row], centroids[k])
            # the search among these is skipped where it cannot matter
            allowed = away < distance[1, row]
            if allowed:
                for other in excluded:
                    allowed = allowed and other != k
            if not allowed:
                continue
            if away < distance[0, row] - TIE:
                distance[1, row] = distance[0, row]
                nearest[row], distance[0, row] = k, away
            else:
                distance[1, row] = away
    return nearest, distance[0], distance[1]


@compiled(parallel=True)
def accept(
    feats: np.ndarray,
    frame_key: np.ndarray,
    members: Csr,
    proposals: Csr,
    sigma: float,
    exclude_cooccurring: bool,
) -> np.ndarray:
    """Let every identity accept proposed rows one by one, if they fit.

    A row is accepted if afterwards all rows of the identity lie within
    ``sigma`` of its centroid, and no two share a frame.

    Args:
        feats: ``(n, D)`` unit vectors of members and proposed rows.
        frame_key: ``(n,)`` frame keys.
        members: Rows by identity.
        proposals: Rows by identity, in the order in which they are tried.
        sigma: Largest distance to the centroid.
        exclude_cooccurring: Whether two rows must not share a frame.

    Returns:
        Bool for every proposal.
    """
    member_ptr, member_rows = members
    proposal_ptr, proposed_rows = proposals
    accepted = np.zeros(len(proposed_rows), np.bool_)
    for k in prange(len(member_ptr) - 1):
        first, last = proposal_ptr[k], proposal_ptr[k + 1]
        if first == last:
            continue
        old = member_rows[member_ptr[k] : member_ptr[k + 1]]
        # The first ``count`` entries are the identity as it is now: its rows,
        # their sum S, and <f_i, S>.
        count = len(old)
        rows = np.empty(count + last - first, np.int64)
        rows[:count] = old
        total = np.zeros(feats.shape[1])
        for i in range(count):
            for d in range(len(total)):
                total[d] += feats[rows[i], d]
        inner = np.empty(len(rows))
        for i in range(count):
            inner[i] = dot(feats[rows[i]], total)
        change = np.empty(len(rows))  # <f_i, f_row>, what ``row`` would add
        for p in range(first, last):
            row = proposed_rows[p]
            clash = False
            if exclude_cooccurring:
                for i in range(count):
                    clash = clash or frame_key[rows[i]] == frame_key[row]
            if clash:
                continue
            rows[count] = row
            inner[count] = dot(feats[row], total)
            # With the row, S becomes S + f_row and |S|^2 = sum <f_i, S>.
            square = 0.0
            for i in range(count + 1):
                change[i] = dot(feats[rows[i]], feats[row])
                square += inner[i] + change[i]
            norm = np.sqrt(max(square, 0.0))
            if norm <= MIN_MEAN_LENGTH * (count + 1):
                norm = np.inf  # all are at distance 1 from a zero centroid
            fits = True
            for i in range(count + 1):
                away = 1 - (inner[i] + change[i]) / norm
                fits = fits and away <= sigma + TIE
            if fits:
                for i in range(count + 1):
                    inner[i] += change[i]
                for d in range(len(total)):
                    total[d] += feats[row, d]
                count += 1
                accepted[p] = True
    return accepted
