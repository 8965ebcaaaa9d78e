"""ROC curve of verification, and the threshold for a false-match rate.

All pairs of a query and a gallery image that is not ignored count: those of
one identity match, all others are wrong. Memory is a block of queries times
the gallery, and the matching pairs.
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
from .ranking import Blocks, check_matches, own_queries

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

    A wrong pair exactly as far as a match counts as accepted.

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
        UserError: If there is no matching or no wrong pair.
    """
    arrays = q_pids, g_pids, q_cams, g_cams
    return roc_of_split(*_all_pairs(qf, gf, arrays, ignore_pids, distance))


def _all_pairs(
    qf: Any,
    gf: Any,
    arrays: Sequence[Any],
    ignore_pids: Any,
    distance: str,
) -> tuple[Blocks, Labels, EvaluationSplit]:
    """Return the arguments of ``roc_of_split`` for a whole gallery."""
    qf, gf = as_features(qf, 'qf'), as_features(gf, 'gf')
    labels = Labels.from_arrays(arrays, (len(qf), len(gf)))
    split = MarketProtocol().split(labels, as_pids(ignore_pids))
    return (
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

    If ``distributed``, each rank of the process group takes a part of the
    queries. The curve keeps the ``num_nearest_wrong`` smallest distances of
    wrong pairs.
    """
    check_matches(labels, split)
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

    # second pass: wrong pairs within each of these distances, and all of them
    counts, start = np.zeros(len(thresholds) + 1, np.int64), own.start
    nearest = np.empty(0, thresholds.dtype)
    for block in blocks(split.queries[own], split.gallery):
        stop = start + len(block)
        # leaves the wrong pairs: infinite is what does not count as one
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
    def warning(self) -> str:
        """What to do if there are too few pairs for the rate; '' if enough."""
        num_needed = math.ceil(_MIN_FALSE_MATCHES / self.false_match_rate)
        if self.num_wrong >= num_needed:
            return ''
        return (
            f'{self.num_wrong} wrong pairs are few for a false-match rate of '
            f'{self.false_match_rate:g}: chance decides the threshold. Use '
            f'more identities, at least {num_needed} wrong pairs, or a larger '
            f'rate.'
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
        false_match_rate: Largest fraction of wrong pairs to accept.
        ignore_pids: Identities that are ignored in queries and gallery.

    Raises:
        UserError: If no threshold keeps the rate; see also ``roc_curve``.
    """
    check_interval('(0, 1)', false_match_rate=false_match_rate)
    arrays = q_pids, g_pids, q_cams, g_cams
    pairs = _all_pairs(qf, gf, arrays, ignore_pids, 'cosine')
    split = pairs[-1]
    num_wrong = (
        len(split.queries) * (len(split.pids) - len(split.junk))
        - len(split.matches.values)
        - len(split.ignored.values)
    )
    num_allowed = min(int(false_match_rate * num_wrong), num_wrong - 1)
    # one more where the product was rounded down
    num_allowed += (num_allowed + 1) / max(num_wrong, 1) <= false_match_rate
    curve = roc_of_split(*pairs, num_nearest_wrong=num_allowed + 1)
    assert curve.nearest_wrong is not None
    # the threshold lies just before the first wrong pair that is too many
    limit = float(curve.nearest_wrong[num_allowed]) - _MARGIN
    num_points = np.searchsorted(curve.thresholds, limit, side='right')
    if not num_points:
        raise UserError(
            f'no threshold reaches a false-match rate of {false_match_rate:g}:'
            f' over {num_allowed} of {num_wrong} wrong pairs are as similar as'
            f' any match. Allow more, or look for persons of two identities.'
        )
    return ThresholdCalibration(
        similarity=1 - limit,
        false_match_rate=false_match_rate,
        true_match_rate=float(curve.tpr[num_points - 1]),
        num_matches=curve.num_matches,
        num_wrong=curve.num_wrong,
        num_false_matches=int(np.sum(curve.nearest_wrong <= limit)),
    )
