"""Distances between queries and gallery, a few queries at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np

DISTANCES = ('cosine', 'euclidean')
_BLOCK = 256
# Rounding of a matrix product differs with the position of a row, so equal
# images get distances this far apart; below it, order carries no meaning.
_RESOLUTION = {np.dtype(np.float32): 2.4e-7, np.dtype(np.float64): 1e-12}


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
    if hasattr(features, 'detach'):
        features = features.detach().cpu()
        double = str(features.dtype) == 'torch.float64'
        features = (features if double else features.float()).numpy()
    features = np.asarray(features)
    if features.ndim != 2:
        raise ValueError(f'{name} must be (N, D); got {features.shape}.')
    if features.dtype != np.float64:
        features = np.asarray(features, np.float32)
    for start in range(0, len(features), _BLOCK):
        finite = np.isfinite(features[start : start + _BLOCK]).all(axis=1)
        if not finite.all():
            row = start + int(np.argmin(finite))
            raise ValueError(
                f'{name} row {row} holds NaN or infinity. Features must be '
                f'finite: look at the image and at the model (diverged '
                f'training, fp16 overflow).'
            )
    return features


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
        ValueError: on another ``distance`` or unequal D.
    """
    _check_pair(qf, gf, distance)
    dtype = np.result_type(qf, gf)
    gf = gf.astype(dtype, copy=False)
    norms = _norms(gf)
    scale = np.where(norms > 0, norms, 1).astype(dtype)
    block = np.empty((min(chunk_size, len(qf)), len(gf)), dtype)
    for start in range(0, len(qf), chunk_size):
        chunk = qf[start : start + chunk_size].astype(dtype, copy=False)
        length = _norms(chunk)[:, None]
        result = block[: len(chunk)]
        if distance == 'cosine':
            unit = chunk / np.where(length > 0, length, 1)
            np.matmul(-unit.astype(dtype), gf.T, out=result)
            result /= scale
            result += 1
        else:
            np.matmul(-2 * chunk, gf.T, out=result)
            result += (norms**2).astype(dtype)
            result += (length**2).astype(dtype)
        yield start, result


def distance_resolution(
    qf: np.ndarray, gf: np.ndarray, distance: str
) -> float:
    """Return the difference below which two distances count as equal."""
    resolution = _RESOLUTION[np.result_type(qf, gf)]
    if distance == 'cosine':
        return resolution
    largest = [_norms(f).max(initial=0) ** 2 for f in (qf, gf)]
    return float(resolution * sum(largest))


def value_resolution(distances: np.ndarray) -> float:
    """Return the same for ``(Q, G)`` distances of any origin."""
    largest = max(distances.max(initial=0), -distances.min(initial=0))
    return float(_RESOLUTION[distances.dtype] * largest)


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
