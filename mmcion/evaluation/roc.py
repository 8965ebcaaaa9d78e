"""ROC curve of verification, and the threshold for a false-match rate.

Every pair of a query and a gallery image that is not ignored counts: a pair
of one identity is a match, all others are wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmcion.structures import RocCurve
from mmcion.utils.checks import UserError, check_interval
from mmcion.utils.dist import all_gather_arrays

from .distances import as_features, distance_blocks
from .protocols import EvaluationSplit, Labels, MarketProtocol, as_pids
from .ranking import Blocks, explain_no_match, own_queries

# With fewer expected false matches, chance decides where the threshold is.
_MIN_FALSE_MATCHES = 10
# A float32 cosine differs between products of other shapes, by up to 7e-7
# for 256 to 4096 dimensions. A threshold keeps this distance from wrong pairs.
_MARGIN = 2e-6


def roc_curve(
    qf: Any,
    gf: Any,
    q_pids: Any,
    g_pids: Any,
    q_cams: Any = None,
    g_cams: Any = None,
    *,
    ignore_pids: Sequence[Any] | int = (-1,),
    distance: str = 'cosine',
) -> RocCurve:
    """Return true and false positive rates at every matching distance.

    Memory is a block of queries times the gallery, and the matching pairs. A
    wrong pair exactly as far as a match counts as accepted.

    Args:
        qf: ``(Q, D)`` query features.
        gf: ``(G, D)`` gallery features.
        q_pids: ``(Q,)`` identities.
        g_pids: ``(G,)`` identities.
        q_cams: ``(Q,)`` cameras; without, all pairs of an identity match.
        g_cams: ``(G,)`` cameras.
        ignore_pids: Identities that are ignored in queries and gallery.
        distance: ``'cosine'`` or ``'euclidean'``.

    Raises:
        UserError: If there is no matching or no wrong pair, features have
            NaN or infinity, or lengths differ.
    """
    qf, gf = as_features(qf, 'qf'), as_features(gf, 'gf')
    labels = Labels.from_arrays(
        *(q_pids, g_pids, q_cams, g_cams), shape=(len(qf), len(gf))
    )
    split = MarketProtocol().split(labels, as_pids(ignore_pids))
    return roc_of_split(
        lambda queries, _: distance_blocks(qf[queries], gf, distance),
        labels,
        split,
    )


def roc_of_split(
    blocks: Blocks,
    labels: Labels,
    split: EvaluationSplit,
    distributed: bool = False,
    *,
    num_nearest_wrong: int = 0,
) -> RocCurve:
    """Return the ROC curve over all pairs of an evaluation split.

    Args:
        blocks: Yields distances, see ``ranking.Blocks``.
        labels: Labels of queries and gallery.
        split: Queries, gallery, matches and ignored images.
        distributed: Whether each rank of the process group takes a part of
            the queries.
        num_nearest_wrong: Number W of smallest wrong distances to return.

    Raises:
        UserError: If there is no matching or no wrong pair.
    """
    own = own_queries(len(split.queries), distributed)

    def gather(own_part: np.ndarray) -> np.ndarray:
        parts = all_gather_arrays(own_part) if distributed else [own_part]
        return np.concatenate(parts)

    # first pass: distances of the matches, the T points of the curve
    near, start = [np.empty(0, np.float32)], own.start
    for block in blocks(split.queries[own], split.gallery):
        matches = split.matches.slice(start, start := start + len(block))
        near.append(block[matches.keys, matches.values])
    thresholds, repeats = np.unique(
        gather(np.concatenate(near)), return_counts=True
    )
    if not len(thresholds):
        raise UserError(f'no pair matches: {explain_no_match(labels, split)}')

    # second pass: wrong pairs within each of these distances, and all of them
    counts, start = np.zeros(len(thresholds) + 1, np.int64), own.start
    nearest = np.empty(0, thresholds.dtype)
    for block in blocks(split.queries[own], split.gallery):
        stop = start + len(block)
        block[:, split.junk] = np.inf
        for rows in (split.matches, split.ignored):
            part = rows.slice(start, stop)
            block[part.keys, part.values] = np.inf
        wrong = np.sort(block, axis=None)
        counts[:-1] += wrong.searchsorted(thresholds, side='right')
        counts[-1] += wrong.searchsorted(np.inf)
        nearest = np.append(nearest, wrong[:num_nearest_wrong])
        nearest = np.sort(nearest)[:num_nearest_wrong]
        start = stop
    *num_within, num_wrong = gather(counts[None]).sum(axis=0)
    if not num_wrong:
        raise UserError('all pairs match; add images of other identities.')
    num_matches = int(repeats.sum())
    return RocCurve(
        thresholds=thresholds,
        tpr=np.cumsum(repeats) / num_matches,
        fpr=np.array(num_within) / num_wrong,
        num_matches=num_matches,
        num_wrong=int(num_wrong),
        nearest_wrong=np.sort(gather(nearest))[:num_nearest_wrong],
    )


@dataclass(frozen=True)
class ThresholdCalibration:
    """A threshold, and the rates of the pairs that it was found on.

    Attributes:
        similarity: Cosine from which two images count as one identity.
        false_match_rate: Requested fraction of wrong pairs, at most.
        true_match_rate: Fraction of matching pairs that are accepted.
        num_matches: Number of matching pairs.
        num_wrong: Number of wrong pairs.
        num_false_matches: Number of wrong pairs that are accepted.
    """

    similarity: float
    false_match_rate: float
    true_match_rate: float
    num_matches: int
    num_wrong: int
    num_false_matches: int

    @property
    def num_needed(self) -> int:
        """Number of wrong pairs among which 10 false matches are expected."""
        return math.ceil(_MIN_FALSE_MATCHES / self.false_match_rate)

    @property
    def warning(self) -> str:
        """What to do if there are too few pairs for the rate; '' if enough."""
        if self.num_wrong >= self.num_needed:
            return ''
        return (
            f'{self.num_wrong} wrong pairs are few for a false-match rate of '
            f'{self.false_match_rate:g}: chance decides where the threshold '
            f'lies. Use features of more identities, for at least '
            f'{self.num_needed} wrong pairs, or a larger rate.'
        )


def calibrate_threshold(
    qf: Any,
    gf: Any,
    q_pids: Any,
    g_pids: Any,
    q_cams: Any = None,
    g_cams: Any = None,
    *,
    false_match_rate: float,
    ignore_pids: Sequence[Any] | int = (-1,),
) -> ThresholdCalibration:
    """Find the similarity from which two images count as one identity.

    It is the lowest one at which the ROC curve keeps the false-match rate.
    The rate holds for identities and cameras like those of the features.

    Args:
        qf: ``(Q, D)`` query features.
        gf: ``(G, D)`` gallery features.
        q_pids: ``(Q,)`` identities.
        g_pids: ``(G,)`` identities.
        q_cams: ``(Q,)`` cameras; without, all pairs of an identity match.
        g_cams: ``(G,)`` cameras.
        false_match_rate: Fraction of wrong pairs to accept at most, in
            (0, 1).
        ignore_pids: Identities that are ignored in queries and gallery.

    Raises:
        UserError: If no threshold keeps the rate; see also ``roc_curve``.
    """
    check_interval('(0, 1)', false_match_rate=false_match_rate)
    qf, gf = as_features(qf, 'qf'), as_features(gf, 'gf')
    labels = Labels.from_arrays(
        *(q_pids, g_pids, q_cams, g_cams), shape=(len(qf), len(gf))
    )
    split = MarketProtocol().split(labels, as_pids(ignore_pids))
    num_wrong = (
        len(split.queries) * (len(split.pids) - len(split.junk))
        - len(split.matches.values)
        - len(split.ignored.values)
    )
    num_allowed = min(int(false_match_rate * num_wrong), num_wrong - 1)
    # one more where the product was rounded down
    num_allowed += (num_allowed + 1) / max(num_wrong, 1) <= false_match_rate
    curve = roc_of_split(
        lambda queries, _: distance_blocks(qf[queries], gf),
        labels,
        split,
        num_nearest_wrong=num_allowed + 1,
    )
    assert curve.nearest_wrong is not None
    limit = float(curve.nearest_wrong[num_allowed]) - _MARGIN
    num_points = np.searchsorted(curve.thresholds, limit, side='right')
    if not num_points:
        raise UserError(
            f'no matching pair is accepted at a false-match rate of '
            f'{false_match_rate:g}: more than {num_allowed} of {num_wrong} '
            f'wrong pairs are as similar as any matching pair. Allow a larger '
            f'rate, use a better model, or look for persons with two '
            f'identities.'
        )
    return ThresholdCalibration(
        similarity=1 - limit,
        false_match_rate=false_match_rate,
        true_match_rate=float(curve.tpr[num_points - 1]),
        num_matches=curve.num_matches,
        num_wrong=curve.num_wrong,
        num_false_matches=int(np.sum(curve.nearest_wrong <= limit)),
    )
