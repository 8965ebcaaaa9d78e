"""Average precision and its kin where distances tie.

Gallery images at equal distance have no order. A score is therefore defined
as its mean over all orders of every tie, each equally likely; for a gallery
without ties this is the usual score. The mean of average precision follows
McSherry and Najork, "Computing information retrieval performance measures
efficiently in the presence of tied scores", ECIR 2008, section 3.

A *tie group* is a run of gallery images at equal distance of which at least
one is a match: ``start`` images are nearer, ``size`` are in it, ``matches``
of them match and ``before`` matches are nearer. A single match is a group of
size 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass
class TieGroups:
    """The groups of one query, nearest first; all ``(T,)`` int64."""

    start: np.ndarray
    size: np.ndarray
    matches: np.ndarray

    @property
    def before(self) -> np.ndarray:
        """``(T,)`` matches nearer than each group."""
        return np.cumsum(self.matches) - self.matches

    @property
    def mixed(self) -> bool:
        """Whether a match ties with a wrong image, so that order matters."""
        return bool((self.size > self.matches).any())

    def only(self, group: int) -> 'TieGroups':
        """Return one of the groups."""
        part = slice(group, group + 1)
        return TieGroups(self.start[part], self.size[part], self.matches[part])

    def pessimistic(self) -> 'TieGroups':
        """Put the matches of every group behind its wrong images."""
        wrong = self.size - self.matches
        return TieGroups(self.start + wrong, self.matches, self.matches)


def tie_groups(
    row: np.ndarray, matches: np.ndarray, limit: np.ndarray
) -> TieGroups:
    """Find the groups of one query.

    Args:
        row: ``(G,)`` sorted distances to all images that count.
        matches: sorted distances to the matches, each also in ``row``.
        limit: ``(G,)``; neighbours in ``row`` as near as the limit of the
            farther one belong to one group.
    """
    inner = np.flatnonzero(np.diff(row) > limit[1:]) + 1
    bounds = np.concatenate(([0], inner, [len(row)]))
    index = np.searchsorted(row, matches)
    group, count = np.unique(
        np.searchsorted(inner, index, side='right'), return_counts=True
    )
    start = bounds[group]
    return TieGroups(start, bounds[group + 1] - start, count)


def joined(parts: Sequence[TieGroups]) -> TieGroups:
    """Return the groups of some parts of a row, nearest part first."""
    return TieGroups(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ('start', 'size', 'matches')
        )
    )


def harmonic_numbers(size: int) -> np.ndarray:
    """Return ``(size + 1,)`` float64 ``H[n] = 1 + 1/2 + ... + 1/n``."""
    harmonic = np.zeros(size + 1)
    np.cumsum(1 / np.arange(1, size + 1), out=harmonic[1:])
    return harmonic


def mean_average_precision(groups: TieGroups, harmonic: np.ndarray) -> float:
    """Return the average precision of one query, mean over tie orders.

    Place i of a group, counted from 0, is a match with probability
    ``matches / size``; it then expects ``before + 1 + i * slope`` matches up
    to itself, at rank ``start + i + 1``. Summed over i with the harmonic
    numbers.
    """
    start, size, matches = groups.start, groups.size, groups.matches
    slope = (matches - 1) / np.maximum(size - 1, 1)
    first = groups.before + 1
    spread = harmonic[start + size] - harmonic[start]
    many = slope * size + (first - slope * (start + 1)) * spread
    single = first / (start + 1)
    gain = np.where(size == 1, single, matches / size * many)
    return float(gain.sum() / matches.sum())


def mean_inverse_penalty(groups: TieGroups) -> float:
    """Return matches / rank of the last match, mean over tie orders.

    Source: Ye et al., "Deep learning for person re-identification: a survey
    and outlook", TPAMI 2021, section 4.1 (INP).
    """
    start, size = int(groups.start[-1]), int(groups.size[-1])
    matches = int(groups.matches[-1])
    last = np.arange(size, matches - 1, -1)  # place of the last match
    fall = (last[:-1] - matches) / np.maximum(last[:-1] - 1, 1)
    chance = matches / size * np.concatenate(([1.0], np.cumprod(fall)))
    expected = float((chance / (start + last)).sum())
    return int(groups.matches.sum()) * expected


def hit_probability(groups: TieGroups, rank: int) -> float:
    """Return the chance that a match is among the first ``rank`` images."""
    start, size = int(groups.start[0]), int(groups.size[0])
    wrong = size - int(groups.matches[0])
    drawn = np.arange(min(max(rank - start, 0), size))
    return float(1 - np.prod(np.maximum(wrong - drawn, 0) / (size - drawn)))
