"""How noisy a labelling is, measured without knowing the truth."""

import numpy as np

from mmcion.structures import FeatureStore, IdentityLabels

from .base_denoiser import sum_features
from .functional import nearest_other, normalise

_BLOCK = 1 << 15


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
        features: one row per label.
        labels: the labelling.
        sigma: largest distance of an image to its identity's centroid.
        delta: smallest distance between two identities' centroids.

    Returns:
        ``intra``, share of assigned rows farther than ``sigma`` from their
        centroid; ``inter``, share of identities that have another nearer
        than ``delta``.
    """
    identity = labels.contiguous().identity
    centroids = normalise(sum_features(features, identity))
    far = 0
    for start in range(0, len(identity), _BLOCK):
        ids = identity[start : start + _BLOCK]
        rows = np.flatnonzero(ids >= 0)
        if len(rows):
            inner = np.einsum(
                'nd,nd->n', features[start + rows], centroids[ids[rows]]
            )
            # the slack keeps rounding from counting rows on the border
            far += int((1 - inner > sigma + 1e-6).sum())
    assigned = int((identity >= 0).sum())
    near = int((nearest_other(centroids) < delta - 1e-6).sum())
    return {
        'intra': far / max(assigned, 1),
        'inter': near / max(len(centroids), 1),
    }
