"""How noisy a labelling is, measured without knowing the truth."""

from __future__ import annotations

import numpy as np

from mmcion.structures import FeatureStore, IdentityLabels
from mmcion.utils.shards import Shards

from .functional import nearest_other, normalise
from .grouped_rows import own_distance, sum_features

MAX_QUERIES = 8192
_ROUNDING = 1e-6  # must not count what lies on the border


def noise_rates(
    features: FeatureStore,
    labels: IdentityLabels,
    sigma: float,
    delta: float,
    *,
    max_queries: int = MAX_QUERIES,
    shards: Shards | None = None,
) -> dict[str, float]:
    """Return the two noise rates of a labelling (ours).

    They are zero exactly when CION's criteria hold: intra-identity
    consistency and inter-identity discrimination.

    Args:
        features: one row per label.
        labels: the labelling.
        sigma: largest distance of an image to its identity's centroid.
        delta: smallest distance between two identities' centroids.
        max_queries: of more identities than this, ``inter`` looks at so
            many, spread evenly, and compares them with all.
        shards: how the work is shared and kept.

    Returns:
        ``intra``, share of assigned rows farther than ``sigma`` from their
        centroid; ``inter``, share of identities that have another nearer
        than ``delta``.
    """
    identity = labels.contiguous().identity
    centroids = normalise(sum_features(features, identity, shards))
    distance = own_distance(features, centroids, identity, shards)
    far = int((distance > sigma + _ROUNDING).sum())  # NaN is not
    num = len(centroids)
    places = np.linspace(0, num - 1, min(num, max_queries))
    queries = places.round().astype(np.int64)
    near = nearest_other(centroids, queries) < delta - _ROUNDING
    return {
        'intra': far / max(int((identity >= 0).sum()), 1),
        'inter': float(near.mean()) if len(near) else 0.0,
    }
