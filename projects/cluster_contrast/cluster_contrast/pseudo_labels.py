"""Pseudo labels: clusters of features, and their centres."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import DBSCAN

from mmcion.evaluation import jaccard_graph, normalize_rows

OUTLIER = -1


def cluster_images(
    features: np.ndarray,
    eps: float,
    min_samples: int = 4,
    k1: int = 30,
    k2: int = 6,
) -> np.ndarray:
    """Cluster images by DBSCAN on the Jaccard distance of their neighbours.

    Args:
        features: ``(N, D)`` unit features.
        eps: Largest distance of neighbours.
        min_samples: Number of neighbours of a core image, itself included.
        k1: See ``jaccard_graph``.
        k2: See ``jaccard_graph``.

    Returns:
        ``(N,)`` int64 clusters 0 to C-1, or ``OUTLIER``.
    """
    # DBSCAN needs no pair that is further apart
    graph = jaccard_graph(features, k1, k2, max_distance=eps)
    dbscan = DBSCAN(eps=eps, min_samples=min_samples, metric='precomputed')
    return dbscan.fit(graph).labels_.astype(np.int64)


def cluster_centers(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return ``(C, D)`` unit vectors, the normalised mean of each cluster.

    Args:
        features: ``(N, D)``.
        labels: ``(N,)`` clusters, each with an image, or ``OUTLIER``.
    """
    # outliers are sorted to the front
    order = np.argsort(labels, kind='stable')[(labels == OUTLIER).sum() :]
    sizes = np.bincount(labels[order])
    starts = np.cumsum(sizes) - sizes
    # (kept, D) -> (C, D); the sum has the direction of the mean
    return normalize_rows(np.add.reduceat(features[order], starts, axis=0))
