from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mmcion.structures.columns import as_array, as_integers
from mmcion.utils.checks import UserError


class Labels(NamedTuple):
    """Identities, and cameras where they are known.

    Attributes:
        q_pids: ``(Q,)`` identities of the queries.
        g_pids: ``(G,)`` identities of the gallery.
        q_cams: ``(Q,)`` cameras of the queries.
        g_cams: ``(G,)`` cameras of the gallery.
    """

    q_pids: np.ndarray
    g_pids: np.ndarray
    q_cams: np.ndarray | None = None
    g_cams: np.ndarray | None = None

    @classmethod
    def from_arrays(
        cls, arrays: Sequence[Any], shape: tuple[int, int]
    ) -> Labels:
        """Convert the four arrays, lists or tensors; cameras may be None.

        Lengths must fit ``shape``, the numbers Q and G of feature rows.
        """
        q_pids, g_pids, q_cams, g_cams = arrays
        if (q_cams is None) != (g_cams is None):
            raise UserError('give both q_cams and g_cams, or neither.')
        pids = _as_ids('pids', q_pids, g_pids, shape)
        if q_cams is None:
            return cls(*pids)
        return cls(*pids, *_as_ids('cams', q_cams, g_cams, shape))


def as_ids(name: str, ids: Any) -> np.ndarray:
    """Return identities or cameras, integers or text, as an array.

    Raises:
        UserError: If one of them is neither, such as NaN, or they are mixed.
    """
    if getattr(getattr(ids, 'dtype', None), 'kind', '') == 'O':
        ids = ids.tolist()
    if isinstance(ids, list | tuple) and ids:
        # NumPy would make all of them text, and NaN 'nan'
        is_text = [isinstance(each, str | bytes) for each in ids]
        if len(set(is_text)) > 1:
            row = is_text.index(not is_text[0])
            found = f'{ids[0]!r}, but {name}[{row}] is {ids[row]!r}'
            raise UserError(f'{name} mixes numbers and text: {found}.')
    array = as_array(name, ids.cpu() if hasattr(ids, 'cpu') else ids)
    if array.dtype.kind in 'USbiu':
        return array
    return as_integers(name, array, np.int64)


def _as_ids(
    name: str, query: Any, gallery: Any, shape: tuple[int, int]
) -> list[np.ndarray]:
    """Return the ids of queries and gallery as arrays of one kind."""
    sides = []
    for side, size, ids in zip('qg', shape, (query, gallery), strict=True):
        array = as_ids(f'{side}_{name}', ids)
        if array.shape != (size,):  # one per feature
            found = f'got {array.shape}'
            raise UserError(f'{side}_{name} must be ({size},); {found}.')
        sides.append(array)
    # NumPy compares numbers with strings without an error: none are equal
    kinds = {ids.dtype.kind.replace('S', 'U') for ids in sides if len(ids)}
    if 'U' in kinds and len(kinds) > 1:
        found = f'{sides[0].dtype}, {sides[1].dtype}'
        raise UserError(f'q_{name}, g_{name} mix numbers and text: {found}.')
    return sides
