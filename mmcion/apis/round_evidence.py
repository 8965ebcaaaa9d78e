"""Whether a round of pre-training counts, by what is known without labels.

All of it is ours: the paper trains once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

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


def link_changes(
    table: TrackletTable, first: IdentityLabels, second: IdentityLabels
) -> np.ndarray:
    """Return how many links identities lost or gained between two labellings.

    What a first identity has no longer, as its images are apart or unassigned
    in the second labelling, is negative; what a second one has in addition is
    positive. Links are counted as in ``Evidence``.

    Returns:
        ``(n,)`` int64, without zeros; the sum is the change of all links.
    """
    video = np.asarray(table.video_id, np.int64)
    both = first.keep & second.keep  # (N,)
    # (N,) cells: images that are together in both
    num_second = int(second.identity.max(initial=-1)) + 1
    cell = np.full(len(table), -1, np.int64)
    cell[both] = (
        first.identity[both].astype(np.int64) * num_second
        + second.identity[both]
    )
    cells, common = _links(cell, video)
    changes = []
    for sign, labels, owner in (
        (-1, first, cells // max(num_second, 1)),
        (1, second, cells % max(num_second, 1)),
    ):
        identities, links = _links(labels.identity.astype(np.int64), video)
        index = np.searchsorted(identities, owner)
        kept = np.bincount(index, common, len(identities)).astype(np.int64)
        changes.append(sign * (links - kept))
    found = np.concatenate(changes)
    return found[found != 0]


def _links(group: np.ndarray, video: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the groups >= 0, and the videos of each beyond its first one."""
    rows = group >= 0
    num_videos = int(video.max(initial=0)) + 1
    pairs = np.unique(group[rows] * num_videos + video[rows])
    groups, videos = np.unique(pairs // num_videos, return_counts=True)
    return groups, videos - 1


def decide_round(
    before: Evidence | None,
    now: Evidence,
    changes: np.ndarray | Sequence[int] = (),
    tolerance: float = 0.01,
) -> tuple[bool, str]:
    """Return whether a round counts, and why, as a phrase.

    It counts unless something is worse than in the round before. Worse is a
    drop by more than ``tolerance`` and by more than what chance does to equal
    features (one-sided, 5 %).

    - Links between videos, relative to those before. Of equal features each
      change of an identity is a loss as likely as a gain, so that the sum of
      all has the variance of their squares. Without any link a round does not
      count, whatever came before: identities of one video each teach to tell
      videos apart.
    - Recall and precision of the self-check, as ratios of two samples.

    Args:
        before: Evidence of the last round that counted; None for the first
            round, which always counts.
        now: Evidence of this round.
        changes: ``(n,)`` lost and gained links, see ``link_changes``.
        tolerance: Drop that does not matter, as a ratio.
    """
    if before is None:
        warning = (
            '; nobody is linked between videos, so nothing shows that its '
            'network will recognise people in another video'
        )
        return True, 'it is the first' + (warning if now.links == 0 else '')
    if now.identities < 2:
        return False, f'{now.identities} identity is too few to learn from'
    if now.links == 0:
        return False, 'its features link nobody between videos'
    found = [
        _compare_links(before.links, now.links, changes, tolerance),
        *(
            _compare_ratios(name, before.self_check, now.self_check, tolerance)
            for name in ('recall', 'precision')
        ),
    ]
    known = [each for each in found if each is not None]
    worse = [
        f'{name} fell from {first} to {second}'
        for name, first, second, is_worse in known
        if is_worse
    ]
    if worse:
        return False, ' and '.join(worse)
    if not known:
        return True, 'there is no evidence, neither links nor a self-check'
    same = [f'{name} {first} → {second}' for name, first, second, _ in known]
    if before.self_check is None or now.self_check is None:
        same.append('there is no self-check')
    return True, ', '.join(same)


# what is compared, both values as text, and whether the second is worse
_Comparison = tuple[str, str, str, bool]


def _compare_links(
    first: int | None,
    second: int | None,
    changes: np.ndarray | Sequence[int],
    tolerance: float,
) -> _Comparison | None:
    if first is None or second is None:
        return None
    deviation = sqrt(np.square(np.asarray(changes, np.int64)).sum())
    margin = max(tolerance * first, _Z * deviation)
    texts = f'{first:,}', f'{second:,}'
    return 'links between videos', *texts, first - second > margin


def _compare_ratios(
    name: str,
    first: Mapping[str, Any] | None,
    second: Mapping[str, Any] | None,
    tolerance: float,
) -> _Comparison | None:
    """Compare recall or precision of two self-checks."""
    ratios, pairs = [], []
    for each in (first or {}, second or {}):
        if each.get(name) is None:
            return None
        ratios.append(each[name])
        # recall: of those cut, which were joined again; precision: of those
        # joined, which are right
        joined = each['rejoined'] + each['wrongly_joined']
        pairs.append(each['cut_tracklets'] if name == 'recall' else joined)
    # Two proportions are compared as if both had their common value.
    n, m = (max(number, 1) for number in pairs)
    pooled = min((ratios[0] * n + ratios[1] * m) / (n + m), 1.0)
    error = sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    margin = max(tolerance, _Z * error)
    texts = (f'{ratio:.3f}' for ratio in ratios)
    return f'{name} of the self-check', *texts, ratios[0] - ratios[1] > margin
