"""Features of many dimensions on a plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_FEW = 4  # points below which only their principal components mean something


def project(
    features: Any, *, method: str = 'tsne', seed: int = 0
) -> np.ndarray:
    """Lay features out in two dimensions, by the angles between them.

    Features are scaled to length 1 first, because people are compared by
    cosine. Equal input and seed give equal points on one machine.

    - ``'tsne'``: neighbours stay neighbours; distances between groups mean
      little (van der Maaten and Hinton, JMLR 2008).
    - ``'umap'``: the same in kind, with more of the whole kept (McInnes et
      al., arXiv 1802.03426). Needs umap-learn.
    - ``'pca'``: a linear view, whose distances mean something.

    Fewer than four different features are laid out by ``'pca'``.

    Args:
        features: ``(N, D)``.
        method: one of these.
        seed: of what is drawn at random.

    Returns:
        ``(N, 2)`` float64.

    Raises:
        ValueError: if the method is unknown or features are no finite
            ``(N, D)``.
        ImportError: if umap-learn is asked for and missing.
    """
    methods: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
        'tsne': _tsne,
        'umap': _umap,
        'pca': lambda points, seed: _pca(points),
    }
    if method not in methods:
        raise ValueError(
            f'method must be one of {", ".join(methods)}; got {method!r}.'
        )
    points = np.asarray(features, np.float64)
    if points.ndim != 2 or not np.isfinite(points).all():
        raise ValueError(
            f'features must be finite and (N, D); got {points.shape}'
            + (', with NaN or infinity.' if points.ndim == 2 else '.')
        )
    length = np.linalg.norm(points, axis=1, keepdims=True)
    points = points / np.where(length > 0, length, 1)
    if len(np.unique(points, axis=0)) < _FEW:
        return _pca(points)
    return np.asarray(methods[method](points, seed), np.float64)


def _pca(points: np.ndarray) -> np.ndarray:
    """Return the first two principal components; missing ones are 0."""
    result = np.zeros((len(points), 2))
    if not points.size:
        return result
    centred = points - points.mean(axis=0)
    left, scale, _ = np.linalg.svd(centred, full_matrices=False)
    found = min(2, len(scale))
    axes = left[:, :found] * scale[:found]
    # the sign of a component is arbitrary: the farthest point is positive
    far = np.abs(axes).argmax(axis=0)
    sign = np.sign(axes[far, np.arange(found)])
    result[:, :found] = axes * np.where(sign == 0, 1, sign)
    return result


def _tsne(points: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    start = _pca(points)
    start *= 1e-4 / start[:, 0].std()  # as scikit-learn's own init='pca'
    tsne = TSNE(
        perplexity=min(30.0, (len(points) - 1) / 3),
        init=start.astype(np.float32),
        learning_rate='auto',
        random_state=seed,
    )
    # sums over several threads differ in their last digits, and then in all
    with threadpool_limits(1):
        return tsne.fit_transform(points.astype(np.float32))


def _umap(points: np.ndarray, seed: int) -> np.ndarray:
    try:
        from umap import UMAP
    except ImportError as error:
        raise ImportError(
            "method='umap' needs umap-learn: pip install umap-learn; or take "
            "'tsne' or 'pca'."
        ) from error
    return UMAP(
        n_neighbors=min(15, len(points) - 1),
        init=_pca(points).astype(np.float32),
        random_state=seed,
        n_jobs=1,
    ).fit_transform(points.astype(np.float32))
