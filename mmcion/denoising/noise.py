import numpy as np

from mmcion.structures import FeatureStore, IdentityLabels

from .functional import DISTANCE_ERROR, nearest_other, normalise
from .grouped_rows import own_distance, sum_features

MAX_QUERIES = 8192  # identities that are each compared with all


def noise_rates(
    features: FeatureStore,
    labels: IdentityLabels,
    sigma: float,
    delta: float,
) -> dict[str, float]:
    """Return the two noise rates of a labelling (ours).

    They are zero exactly when CION's criteria hold: intra-identity
    consistency and inter-identity discrimination.

    Args:
        features: One row per label.
        labels: Labelling to measure.
        sigma: Largest distance of an image to its identity's centroid.
        delta: Smallest distance between two identities' centroids.

    Returns:
        ``intra``, fraction of assigned rows farther than ``sigma`` from their
        centroid; ``inter``, fraction of identities that have another one
        nearer than ``delta``, of at most 8,192 identities spread evenly.
    """
    identity = labels.contiguous().identity
    centroids = normalise(sum_features(features, identity))  # (K, D)
    distance = own_distance(features, centroids, identity)
    # What lies exactly on the border of a criterion is no noise. Unassigned
    # rows are NaN, which compares as False.
    far = int((distance > sigma + DISTANCE_ERROR).sum())
    num = len(centroids)
    queries = np.linspace(0, num - 1, min(num, MAX_QUERIES))
    queries = queries.round().astype(np.int64)
    near = nearest_other(centroids, queries) < delta - DISTANCE_ERROR
    return {
        'intra': far / max(int((identity >= 0).sum()), 1),
        'inter': float(near.mean()) if len(near) else 0.0,
    }
