"""Labels: who and where, of queries and gallery."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Labels(NamedTuple):
    """Identities, and cameras if they are known; make it by ``of``.

    Attributes:
        q_pids: ``(Q,)`` identities of the queries.
        g_pids: ``(G,)`` of the gallery.
        q_cams: ``(Q,)`` cameras of the queries.
        g_cams: ``(G,)`` of the gallery.
    """

    q_pids: np.ndarray
    g_pids: np.ndarray
    q_cams: np.ndarray | None = None
    g_cams: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        q_pids: Any,
        g_pids: Any,
        q_cams: Any = None,
        g_cams: Any = None,
        *,
        num_queries: int,
        num_gallery: int,
    ) -> Labels:
        """Check and convert what a caller gave: arrays, lists or tensors.

        Raises:
            ValueError: if lengths do not fit, only one side has cameras, or
                one side has numbers and the other text.
        """
        if (q_cams is None) != (g_cams is None):
            raise ValueError(
                'give cameras for queries and gallery, or for neither.'
            )
        labels = cls(
            _as_ids(q_pids, num_queries, 'q_pids'),
            _as_ids(g_pids, num_gallery, 'g_pids'),
        )
        if q_cams is not None:
            labels = labels._replace(
                q_cams=_as_ids(q_cams, num_queries, 'q_cams'),
                g_cams=_as_ids(g_cams, num_gallery, 'g_cams'),
            )
        _check_kinds('pids', labels.q_pids, labels.g_pids)
        _check_kinds('cams', labels.q_cams, labels.g_cams)
        return labels

    def of_gallery(self, rows: np.ndarray) -> Labels:
        """Return the labels where only some gallery rows take part."""
        g_cams = None if self.g_cams is None else self.g_cams[rows]
        return self._replace(g_pids=self.g_pids[rows], g_cams=g_cams)


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


def _check_kinds(
    name: str, query: np.ndarray | None, gallery: np.ndarray | None
) -> None:
    """Refuse what would never be equal."""
    if query is None or gallery is None or not (len(query) and len(gallery)):
        return
    text = {side.dtype.kind in 'US' for side in (query, gallery)}
    if len(text) > 1 or 'O' in (query.dtype.kind, gallery.dtype.kind):
        raise ValueError(
            f'q_{name} and g_{name} must both be numbers or both be text; '
            f'got {query.dtype} and {gallery.dtype}.'
        )
