"""Which gallery images count for which query."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from .labels import Labels


def as_list(ignore_pids: Any) -> list[Any]:
    """Return identities to ignore as a list; one alone, or None, may stand."""
    if ignore_pids is None:
        return []
    if isinstance(ignore_pids, Integral | str):
        return [ignore_pids]
    return list(ignore_pids)


class GalleryRule:
    """The rule of Market-1501, which most data sets follow.

    - A match has the query's identity and another camera.
    - Images of the query's identity *and* camera are left out.
    - Images with an ignored identity are left out everywhere; with -1 these
      are the junk images. Distractors (identity 0) stay as wrong answers.
    - Without cameras every image of the identity is a match.

    Source: Zheng et al., "Scalable person re-identification: a benchmark",
    ICCV 2015, and its evaluation code.

    Attributes:
        cmc: what is ranked for CMC, see ``identity_cmc.py``; AP and INP
            always rank all images.
        query_rows: rows of the queries that are asked.
        ignored: rows of the gallery that are left out for every query.

    Args:
        labels: of queries and gallery.
        ignore_pids: identities to leave out of both.
    """

    cmc: ClassVar[str] = 'images'

    def __init__(
        self, labels: Labels, ignore_pids: Sequence[int] | int = (-1,)
    ) -> None:
        self.q_pids, self.g_pids, self.q_cams, self.g_cams = labels
        ignored = as_list(ignore_pids)
        self.query_rows = np.flatnonzero(~np.isin(self.q_pids, ignored))
        self.ignored = np.flatnonzero(np.isin(self.g_pids, ignored))
        self._by_pid = np.argsort(self.g_pids, kind='stable')
        ordered = self.g_pids[self._by_pid]
        self._low = np.searchsorted(ordered, self.q_pids, side='left')
        self._high = np.searchsorted(ordered, self.q_pids, side='right')

    def split(self, query: int) -> tuple[np.ndarray, np.ndarray]:
        """Return gallery rows of a query's matches and of what to leave out.

        The second does not repeat ``ignored``.
        """
        same = self._by_pid[self._low[query] : self._high[query]]
        if self.q_cams is None or self.g_cams is None:
            return same, same[:0]
        here = self.g_cams[same] == self.q_cams[query]
        return same[~here], same[here]

    def why_no_match(self) -> str:
        """Say why no query has a match, and what to do about it."""
        if not len(self.query_rows):
            return (
                f'none of {len(self.q_pids)} queries has an identity that '
                f'counts. Mark some labelled images as queries.'
            )
        if len(self.ignored) == len(self.g_pids):
            return (
                f'none of {len(self.g_pids)} gallery images has an identity '
                f'that counts. Add labelled images to the gallery.'
            )
        asked = np.unique(self.q_pids[self.query_rows])
        shared = np.intersect1d(asked, self.g_pids)
        if not len(shared):
            return (
                f'none of the {len(asked)} query identities is in the '
                f'gallery. Label both with the same identities.'
            )
        return (
            f'{len(shared)} identities are in query and gallery, but each '
            f'only in the camera of its query, and the rule leaves those '
            f'images out. Give images their real cameras, or switch the '
            f'rule off: ReIDMetric(camera_aware=False), in a config '
            f'test_evaluator.camera_aware=False.'
        )
