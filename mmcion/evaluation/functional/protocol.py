"""Which gallery images count for which query."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np


def _as_ids(ids: Any, rows: int, name: str) -> np.ndarray:
    if hasattr(ids, 'detach'):
        ids = ids.detach().cpu().numpy()
    array = np.asarray(ids)
    if array.shape != (rows,):
        raise ValueError(
            f'{name} must hold one value per feature row, ({rows},); got '
            f'{array.shape}.'
        )
    return array


class MarketProtocol:
    """The rule of Market-1501, which most data sets follow.

    - A match has the query's identity and another camera.
    - Images of the query's identity *and* camera are left out.
    - Images with an ignored identity are left out everywhere; with -1 these
      are the junk images. Distractors (identity 0) stay as wrong answers.
    - Without cameras every image of the identity is a match.

    Source: Zheng et al., "Scalable person re-identification: a benchmark",
    ICCV 2015, and its evaluation code.

    Attributes:
        query_rows: rows of the queries that are asked.
        ignored: rows of the gallery that are left out for every query.

    Raises:
        ValueError: if lengths do not fit, or only one side has cameras.
    """

    def __init__(
        self,
        q_pids: Any,
        g_pids: Any,
        q_cams: Any = None,
        g_cams: Any = None,
        *,
        num_queries: int,
        num_gallery: int,
        ignore_pids: Sequence[int] | int = (-1,),
    ) -> None:
        if (q_cams is None) != (g_cams is None):
            raise ValueError(
                'give cameras for queries and gallery, or for neither.'
            )
        self.q_pids = _as_ids(q_pids, num_queries, 'q_pids')
        self.g_pids = _as_ids(g_pids, num_gallery, 'g_pids')
        self.q_cams = self.g_cams = None
        if q_cams is not None:
            self.q_cams = _as_ids(q_cams, num_queries, 'q_cams')
            self.g_cams = _as_ids(g_cams, num_gallery, 'g_cams')
        if isinstance(ignore_pids, int | Integral):  # mypy knows int only
            ignore_pids = [ignore_pids]
        ignored = list(ignore_pids)
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
