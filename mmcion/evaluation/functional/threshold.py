"""The similarity from which on two images count as one person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..protocols import GalleryRule, Labels
from .distance import as_features, distance_chunks

# One cosine of single precision differs with the product that it comes out
# of, a pair or a block of queries: by up to 7e-7 where 256 to 4096 dimensions
# were tried. Twice that and more is still nothing between people.
_ROUNDING = 2e-6
_FEW = 10


@dataclass(frozen=True)
class ThresholdCalibration:
    """A threshold, and what it does to the pairs that it was found on.

    Attributes:
        similarity: cosine from which on two images count as one person.
        false_match_rate: share of wrong pairs that was allowed.
        true_match_rate: share of matching pairs that reach the threshold.
        num_matches: matching pairs.
        num_wrong: wrong pairs.
        num_false_matches: wrong pairs that reach the threshold.
    """

    similarity: float
    false_match_rate: float
    true_match_rate: float
    num_matches: int
    num_wrong: int
    num_false_matches: int

    @property
    def num_needed(self) -> int:
        """Wrong pairs from which on ten false matches are expected."""
        return math.ceil(_FEW / self.false_match_rate)

    @property
    def warning(self) -> str:
        """Say what to do if the pairs are too few for the rate; else ''."""
        if self.num_wrong >= self.num_needed:
            return ''
        rate = _FEW / self.num_wrong
        larger = f', or ask for a rate of {rate:.2g} or more'
        return (
            f'a false-match rate of {self.false_match_rate:g} expects '
            f'{self.num_wrong * self.false_match_rate:.2g} false matches '
            f'among {self.num_wrong} wrong pairs, so that chance decides '
            f'where the threshold lies. Take features of more people, for at '
            f'least {self.num_needed} wrong pairs'
            f'{larger if rate < 1 else ""}.'
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
    ignore_pids: Sequence[int] | int = (-1,),
) -> ThresholdCalibration:
    """Find the smallest cosine that keeps to a false-match rate (ours).

    The threshold lies just above the nearest wrong pair that the rate does
    not allow: it is a quantile of the wrong pairs, as the rate is, whatever
    the matching pairs are. Wrong pairs that tie with that one are rejected
    with it. All pairs of queries and gallery that the rule of Market-1501
    counts take part.

    Memory is a block of queries times the gallery, the cosines of matching
    pairs and those of the wrong pairs that are allowed.

    Args:
        qf: see ``evaluate``, as all that follows.
        gf: ``(G, D)`` gallery features.
        q_pids: ``(Q,)`` identities.
        g_pids: ``(G,)`` identities.
        q_cams: ``(Q,)`` cameras; without, all images of a person match.
        g_cams: ``(G,)`` cameras.
        false_match_rate: share of wrong pairs to allow, in (0, 1).
        ignore_pids: identities to leave out of queries and gallery.

    Raises:
        ValueError: if there is no matching or no wrong pair, no matching
            pair would reach the threshold, features are not finite, rows do
            not fit, or an option is out of range.
    """
    if not 0 < false_match_rate < 1:
        raise ValueError(
            f'false_match_rate must be above 0 and below 1, such as 0.001; '
            f'got {false_match_rate}.'
        )
    qf, gf = as_features(qf, 'qf'), as_features(gf, 'gf')
    labels = Labels.of(
        *(q_pids, g_pids, q_cams, g_cams),
        num_queries=len(qf),
        num_gallery=len(gf),
    )
    rule = GalleryRule(labels, ignore_pids)
    num_wrong = _count_wrong(rule)
    if not num_wrong:
        raise ValueError(
            'no pair of query and gallery shows two people; a false-match '
            'rate needs such pairs. Add images of other people.'
        )
    allowed = _allowed(false_match_rate, num_wrong)
    matches, wrong = _distances(qf, gf, rule, allowed + 1)
    if not len(matches):
        raise ValueError(f'no pair matches: {rule.why_no_match()}')
    limit = float(wrong[allowed]) - _ROUNDING
    num_true = int(np.count_nonzero(matches <= limit))
    if not num_true:
        raise ValueError(
            f'no matching pair is accepted at a false-match rate of '
            f'{false_match_rate:g}: more than {allowed} of {num_wrong} wrong '
            f'pairs are as similar as the most similar matching pair. Allow '
            f'a larger rate, use a better model, or look for people who have '
            f'two identities.'
        )
    return ThresholdCalibration(
        similarity=1 - limit,
        false_match_rate=false_match_rate,
        true_match_rate=num_true / len(matches),
        num_matches=len(matches),
        num_wrong=num_wrong,
        num_false_matches=int(np.count_nonzero(wrong <= limit)),
    )


def _allowed(rate: float, num_wrong: int) -> int:
    """Return how many wrong pairs are within the rate, below all of them."""
    allowed = int(rate * num_wrong)  # one less where the product rounds
    allowed += (allowed + 1) / num_wrong <= rate
    return min(allowed, num_wrong - 1)


def _count_wrong(rule: GalleryRule) -> int:
    """Return the number of wrong pairs that count."""
    same = sum(
        len(rows)
        for query in rule.query_rows.tolist()
        for rows in rule.split(query)
    )
    num_gallery = len(rule.g_pids) - len(rule.ignored)
    return len(rule.query_rows) * num_gallery - same


def _distances(
    qf: np.ndarray, gf: np.ndarray, rule: GalleryRule, num_kept: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances of matches, and the smallest of wrong pairs.

    The second are sorted, ``num_kept`` of them.
    """
    dtype = np.result_type(qf, gf)
    matches, kept = [np.empty(0, dtype)], np.empty(0, dtype)
    asked = rule.query_rows
    for start, chunk in distance_chunks(qf[asked], gf):
        chunk[:, rule.ignored] = np.inf
        for query, row in zip(asked[start:], chunk, strict=False):
            same, left_out = rule.split(query)
            matches.append(row[same])
            row[same] = row[left_out] = np.inf
        values = chunk.reshape(-1)
        if len(kept) == num_kept:
            values = values[values < kept.max()]
        kept = np.concatenate([kept, values[np.isfinite(values)]])
        if len(kept) > num_kept:
            kept = np.partition(kept, num_kept - 1)[:num_kept]
    kept.sort()
    return np.concatenate(matches), kept
