"""Distances between queries and gallery, a few queries at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

DISTANCES = ('cosine', 'euclidean')
_BLOCK = 256
# Rounding of a matrix product differs with the position of a row, so equal
# images get distances this far apart; below it, order carries no meaning.
_ROUNDING = {np.dtype(np.float32): 4.8e-7, np.dtype(np.float64): 1e-12}


def as_features(features: Any, name: str) -> np.ndarray:
    """Return features as a checked float32 or float64 array.

    Args:
        features: ``(N, D)`` array or tensor on any device. Other types than
            float64 become float32; what is float32 already is not copied.
        name: what to call it in errors.

    Raises:
        ValueError: if it is not two-dimensional, or a value is NaN or
            infinite; names the row.
    """
    return _as_matrix(
        features,
        name,
        shape='(N, D)',
        hint='Features must be finite: look at the image and at the model '
        '(diverged training, fp16 overflow).',
    )


def as_distances(distances: Any) -> np.ndarray:
    """Return ``(Q, G)`` distances as ``as_features`` does features.

    Raises:
        ValueError: if they are not two-dimensional, or a value is NaN or
            infinite; names the row.
    """
    return _as_matrix(
        distances,
        'distances',
        shape='(Q, G)',
        hint='Distances must be finite: look at what made them.',
    )


def _as_matrix(values: Any, name: str, *, shape: str, hint: str) -> np.ndarray:
    if hasattr(values, 'detach'):
        values = values.detach().cpu()
        double = str(values.dtype) == 'torch.float64'
        values = (values if double else values.float()).numpy()
    values = np.asarray(values)
    if values.ndim != 2:
        raise ValueError(f'{name} must be {shape}; got {values.shape}.')
    if values.dtype != np.float64:
        values = np.asarray(values, np.float32)
    for start in range(0, len(values), _BLOCK):
        finite = np.isfinite(values[start : start + _BLOCK]).all(axis=1)
        if not finite.all():
            row = start + int(np.argmin(finite))
            raise ValueError(f'{name} row {row} holds NaN or infinity. {hint}')
    return values


def distance_chunks(
    qf: np.ndarray,
    gf: np.ndarray,
    *,
    distance: str = 'cosine',
    chunk_size: int = 256,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the first query and the distances of each chunk of queries.

    Memory is one ``(chunk_size, G)`` block, reused: take what you need from
    it before the next one.

    Args:
        qf: ``(Q, D)`` query features, as from ``as_features``.
        gf: ``(G, D)`` gallery features.
        distance: ``'cosine'`` yields 1 - cos in [0, 2]; a zero vector is at
            distance 1 of everything. ``'euclidean'`` yields the square.
        chunk_size: queries at a time.

    Raises:
        ValueError: on another ``distance``, unequal D, or features so long
            that their distances may overflow.
    """
    _check_pair(qf, gf, distance)
    dtype = np.result_type(qf, gf)
    gf = gf.astype(dtype, copy=False)
    norms = _norms(gf)
    check_lengths(norms, dtype, distance)
    scale = _lengths(norms).astype(dtype)
    block = np.empty((min(chunk_size, len(qf)), len(gf)), dtype)
    for start in range(0, len(qf), chunk_size):
        chunk = qf[start : start + chunk_size].astype(dtype, copy=False)
        length = _norms(chunk)[:, None]
        check_lengths(length, dtype, distance)
        result = block[: len(chunk)]
        if distance == 'cosine':
            unit = chunk / _lengths(length)
            np.matmul(-unit.astype(dtype), gf.T, out=result)
            result /= scale
            result += 1
        else:
            np.matmul(-2 * chunk, gf.T, out=result)
            result += (norms**2).astype(dtype)
            result += (length**2).astype(dtype)
        yield start, result


@dataclass
class TieLimit:
    """How far distances of equal images may be apart by rounding.

    Attributes:
        absolute: ``(Q,)`` for each query.
        relative: share of the distance that is added.
    """

    absolute: np.ndarray
    relative: float = 0.0

    def at(self, queries: np.ndarray | int, distances: np.ndarray) -> Any:
        """Return the limits of some distances of some queries."""
        return self.absolute[queries] + self.relative * np.abs(distances)


def tie_limit(
    qf: np.ndarray, gf: np.ndarray, distance: str, dtype: Any = None
) -> TieLimit:
    """Return the limit of what ``distance_chunks`` yields.

    The error of a squared Euclidean distance grows with the lengths of both
    features, and the gallery's is at most the query's plus the distance; so
    a single long feature does not blur the order of the others.

    Args:
        qf: ``(Q, D)`` query features.
        gf: ``(G, D)`` gallery features.
        distance: ``'cosine'`` or ``'euclidean'``.
        dtype: that it is computed in; that of the features if None.
    """
    rounding = _ROUNDING[np.dtype(dtype or np.result_type(qf, gf))]
    if distance == 'cosine':
        return TieLimit(np.full(len(qf), rounding))
    return TieLimit(3 * rounding * _norms(qf) ** 2, 2 * rounding)


class ExactDistances:
    """Distances of float32 features in double precision, where they matter.

    Args:
        qf: ``(Q, D)`` query features.
        gf: ``(G, D)`` gallery features.
        distance: ``'cosine'`` or ``'euclidean'``, which gives the square.

    Attributes:
        limit: what is a tie of them.
    """

    def __init__(self, qf: np.ndarray, gf: np.ndarray, distance: str) -> None:
        self._qf, self._gf, self._distance = qf, gf, distance
        self.limit = tie_limit(qf, gf, distance, np.float64)

    def pairs(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        """Return ``(P,)`` distances of P pairs of rows."""
        found = np.empty(len(queries))
        for start in range(0, len(queries), _BLOCK):
            part = slice(start, start + _BLOCK)
            q = self._qf[queries[part]].astype(np.float64)
            g = self._gf[gallery[part]].astype(np.float64)
            if self._distance == 'euclidean':
                found[part] = np.einsum('pd,pd->p', q - g, q - g)
                continue
            lengths = _lengths(_norms(q)) * _lengths(_norms(g))
            found[part] = 1 - np.einsum('pd,pd->p', q, g) / lengths
        return found

    def rows(self, queries: np.ndarray) -> np.ndarray:
        """Return ``(B, G)`` distances of some queries to the gallery."""
        found = np.empty((len(queries), len(self._gf)))
        q = self._qf[queries].astype(np.float64)
        for start in range(0, len(self._gf), _BLOCK):
            part = slice(start, start + _BLOCK)
            g = self._gf[part].astype(np.float64)
            for _, block in distance_chunks(q, g, distance=self._distance):
                # callers ask for less than a chunk of queries
                found[:, part] = block
        return found


def _lengths(norms: np.ndarray) -> np.ndarray:
    """Return what to divide by; zero vectors stay zero."""
    return np.where(norms > 0, norms, 1)


def check_lengths(
    lengths: np.ndarray, dtype: np.dtype, distance: str = 'euclidean'
) -> None:
    """Raise if distances between features may overflow.

    Args:
        lengths: Euclidean ones, infinite if they overflowed.
        dtype: of the features.
        distance: ``'cosine'`` or ``'euclidean'``.

    Raises:
        ValueError: says what to do.
    """
    limit = np.finfo(dtype).max / 4  # opposites: (a + b)^2 <= 4 max(a, b)^2
    if distance == 'euclidean':
        limit = np.sqrt(limit)
    if lengths.max(initial=0) > limit:
        raise ValueError(
            f'features are so long that {distance} distances in {dtype} '
            f'overflow; normalise them first.'
        )


def unit_rows(features: np.ndarray) -> np.ndarray:
    """Return ``(N, D)`` rows of length 1; zero rows stay."""
    return features / _lengths(np.linalg.norm(features, axis=1, keepdims=True))


def _norms(features: np.ndarray) -> np.ndarray:
    norms = np.empty(len(features))
    for start in range(0, len(features), _BLOCK):
        block = features[start : start + _BLOCK].astype(np.float64)
        norms[start : start + _BLOCK] = np.einsum('nd,nd->n', block, block)
    return np.sqrt(norms, out=norms)


def _check_pair(qf: np.ndarray, gf: np.ndarray, distance: str) -> None:
    if distance not in DISTANCES:
        raise ValueError(
            f'distance must be one of {DISTANCES}; got {distance!r}.'
        )
    if qf.shape[1] != gf.shape[1]:
        raise ValueError(
            f'query and gallery features differ in size: {qf.shape[1]} and '
            f'{gf.shape[1]}; extract both with the same model.'
        )
