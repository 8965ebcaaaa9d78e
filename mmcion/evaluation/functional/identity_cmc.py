"""CMC over identities, where each stands in the list with one image.

Two ways to choose that image (``cmc`` of a rule):

- ``'first'``: the nearest one, as for SYSU-MM01;
- ``'drawn'``: one drawn at random, each equally likely, as for the
  single-gallery-shot setting of CUHK03.

A hit at rank r is a query whose own identity has fewer than r identities
before it. How many there are is a sum of independent events, of which each
has its probability, so the chance of a hit is computed and not sampled
(ours). Images at equal distance have no order; the chance is then the mean
over all orders of a tie: each image of it gets a place v, uniform in [0, 1],
and what is a polynomial in v is integrated exactly by Gauss-Legendre nodes.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ..protocols import GalleryRule
from .distance import TieLimit


def identity_hits(
    distances: np.ndarray,
    rule: GalleryRule,
    queries: np.ndarray,
    *,
    limit: TieLimit,
    ties: str,
    ranks: Sequence[int],
) -> np.ndarray:
    """Return the chance of a hit of each query at each rank.

    Args:
        distances: ``(B, G)`` of ``queries`` to the gallery; not changed.
        rule: which images count; its ``cmc`` is ``'first'`` or ``'drawn'``.
        queries: ``(B,)`` rows of the queries.
        limit: distances this near are a tie.
        ties: ``'mean'`` or ``'pessimistic'``.
        ranks: R places.

    Returns:
        ``(B, R)``, 0 for queries without a match.
    """
    chance = _first if rule.cmc == 'first' else _drawn
    hits = np.zeros((len(queries), len(ranks)))
    counts = np.ones(distances.shape[1], bool)
    counts[rule.ignored] = False
    for row, query in enumerate(queries.tolist()):
        matches, left_out = rule.split(query)
        if not len(matches):
            continue
        others = counts.copy()
        others[matches] = others[left_out] = False
        others_by_pid = _grouped(distances[row], rule.g_pids, others)
        own = distances[row][matches]
        near = limit.at(query, own)
        hits[row] = chance(
            own, near, *others_by_pid, ties == 'mean', np.array(ranks)
        )
    return hits


def _grouped(
    row: np.ndarray, pids: np.ndarray, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return chosen distances by identity, and where each identity starts."""
    rows = np.flatnonzero(chosen)
    order = rows[np.argsort(pids[rows], kind='stable')]
    ordered = pids[order]
    new = np.ones(len(order), bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return row[order], np.flatnonzero(new)


def _first(
    own: np.ndarray,
    near: np.ndarray,
    others: np.ndarray,
    starts: np.ndarray,
    mean: bool,
    ranks: np.ndarray,
) -> np.ndarray:
    """Rank identities by their nearest images.

    In a tie an identity of t images comes before place v with probability
    ``1 - v ** t``, counting v downwards; the density of the query's own first
    image is ``t v ** (t - 1)``.
    """
    first = own.argmin()
    nearest, near = own[first], near[first]
    if not len(starts):
        return np.ones(len(ranks))
    before = np.minimum.reduceat(others, starts) < nearest - near
    tied = np.add.reduceat(np.abs(others - nearest) <= near, starts)
    tied = tied[~before & (tied > 0)]
    if not mean or not len(tied):
        return (before.sum() + len(tied) < ranks).astype(float)
    own_tied = int((own <= nearest + near).sum())
    place, weight = _nodes(own_tied - 1 + int(tied.sum()))
    chances = 1 - place[:, None] ** tied
    density = weight * own_tied * place ** (own_tied - 1)
    return density @ _fewer(chances, ranks - before.sum())


def _drawn(
    own: np.ndarray,
    near: np.ndarray,
    others: np.ndarray,
    starts: np.ndarray,
    mean: bool,
    ranks: np.ndarray,
) -> np.ndarray:
    """Rank one drawn image of each identity; mean over the own images."""
    if not len(starts):
        return np.ones(len(ranks))
    sizes = np.diff(np.append(starts, len(others)))
    own, near = own[:, None], near[:, None]
    before = np.add.reduceat(others < own - near, starts, axis=1) / sizes
    tied = np.add.reduceat(np.abs(others - own) <= near, starts, axis=1)
    tied = tied / sizes
    if not mean:
        return _fewer(before + tied, ranks).mean(axis=0)
    hits = _fewer(before, ranks)
    for row in np.flatnonzero(tied.any(axis=1)):
        place, weight = _nodes(int((tied[row] > 0).sum()))
        chances = before[row] + place[:, None] * tied[row]
        hits[row] = weight @ _fewer(chances, ranks)
    return hits.mean(axis=0)


def _fewer(chances: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Return the chance that fewer than ``ranks`` of some events happen.

    Args:
        chances: ``(V, J)`` of independent events, one set per row.
        ranks: R numbers; below 1 gives 0.

    Returns:
        ``(V, R)``.
    """
    most = max(int(ranks.max()), 1)
    count = np.zeros((len(chances), most))  # chance of exactly 0, 1, ...
    count[:, 0] = 1
    for event in chances.T[chances.any(axis=0)]:
        happens = event[:, None]
        moved = count[:, :-1] * happens
        count *= 1 - happens
        count[:, 1:] += moved
    total = np.concatenate(
        (np.zeros((len(count), 1)), np.cumsum(count, axis=1)), axis=1
    )
    return total[:, np.maximum(ranks, 0)]


@lru_cache(maxsize=32)
def _nodes_of(count: int) -> tuple[np.ndarray, np.ndarray]:
    place, weight = np.polynomial.legendre.leggauss(count)
    return (place + 1) / 2, weight / 2


def _nodes(degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes in [0, 1] that integrate such a polynomial exactly."""
    needed = degree // 2 + 1
    return _nodes_of(1 << (needed - 1).bit_length())  # few sizes to keep
