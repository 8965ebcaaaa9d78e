"""Whether a round of pre-training counts, by what is known without labels.

All of it is ours: the paper trains once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.visualization import IdentityCounts

# One-sided 5 % of a normal distribution: of two rounds with equal features
# one in twenty would be called worse.
_Z = 1.64


@dataclass(frozen=True)
class Evidence:
    """What tells without labels how good the identities of a round are.

    Attributes:
        identities: Number of identities that are exported for training.
        links: Videos in which identities are seen beyond their first one,
            summed up. It does not depend on the number of pieces that an
            identity had in each of them, as accepted links do. None of a
            single video, or if no level links videos.
        self_check: ``self_check`` of the report; None if it has none.
    """

    identities: int
    links: int | None = None
    self_check: Mapping[str, Any] | None = None

    @classmethod
    def from_labels(
        cls,
        table: TrackletTable,
        labels: IdentityLabels,
        report: Mapping[str, Any],
    ) -> Evidence:
        """Count the identities of a table.

        Args:
            table: N images.
            labels: Their identities.
            report: ``report.json`` of their denoising.
        """
        counts = IdentityCounts.from_labels(table, labels)
        levels = report.get('levels', [])
        can_link = len(table.videos) > 1 and any('links' in x for x in levels)
        exported = report.get('export', {}).get('identities')
        return cls(
            len(counts.identity) if exported is None else exported,
            # (identity, video) pairs beyond one for each identity
            len(counts.pairs) - len(counts.identity) if can_link else None,
            report.get('self_check'),
        )


def decide_round(
    before: Evidence | None, now: Evidence, tolerance: float = 0.01
) -> tuple[bool, str]:
    """Return whether a round counts, and why, as a phrase.

    It counts unless something is worse than in the round before. Worse is a
    drop by more than ``tolerance`` and by more than what two samples of equal
    features differ by (one-sided, 5 %).

    - Self-check: recall and precision, as ratios of their pairs.
    - Links between videos: their number, as a Poisson count, relative to the
      round before. Without any link a round does not count, whatever came
      before: identities of one video each teach to tell videos apart.

    Args:
        before: Evidence of the last round that counted; None for the first
            round, which always counts.
        now: Evidence of this round.
        tolerance: Drop that does not matter, as a ratio.
    """
    if before is None:
        no_link = now.links == 0
        return True, (
            'the first; nobody is linked between videos, so nothing shows '
            'that its network will recognise people in another video'
            if no_link
            else 'the first'
        )
    if now.identities < 2:
        return False, f'{now.identities} identity is too few to learn from'
    worse, same = [], []
    if before.links is not None and now.links is not None:
        change = f'links between videos {before.links:,} → {now.links:,}'
        margin = max(
            tolerance * before.links, _Z * sqrt(before.links + now.links)
        )
        if now.links == 0:
            worse.append('its features link nobody between videos')
        elif before.links - now.links > margin:
            worse.append(change)
        else:
            same.append(change)
    for name in ('recall', 'precision'):
        first = _ratio(before.self_check, name)
        second = _ratio(now.self_check, name)
        if first is None or second is None:
            continue
        change = f'{name} of the self-check {first[0]:.3f} → {second[0]:.3f}'
        margin = max(tolerance, _Z * _standard_error(*first, *second))
        (worse if first[0] - second[0] > margin else same).append(change)
    missing = '' if before.self_check and now.self_check else 'no self-check'
    if worse:
        return False, ', '.join(worse)
    if not same:
        return True, 'there is no evidence: no links and no self-check'
    return True, ', '.join(filter(None, [*same, missing]))


def _ratio(
    self_check: Mapping[str, Any] | None, name: str
) -> tuple[float, int] | None:
    """Return a ratio of the self-check and the number of pairs behind it."""
    ratio = (self_check or {}).get(name)
    if self_check is None or ratio is None:
        return None
    # recall: of those cut, which are joined; precision: of those joined,
    # which are right
    rejoined = self_check['rejoined']
    pairs = {
        'recall': self_check['cut_tracklets'],
        'precision': rejoined + self_check['wrongly_joined'],
    }
    return ratio, pairs[name]


def _standard_error(first: float, n: int, second: float, m: int) -> float:
    """Return that of the difference of two ratios of n and m, pooled."""
    pooled = (first * n + second * m) / max(n + m, 1)
    # rounding may leave [0, 1]
    variance = max(pooled * (1 - pooled), 0.0)
    return sqrt(variance * (1 / max(n, 1) + 1 / max(m, 1)))
