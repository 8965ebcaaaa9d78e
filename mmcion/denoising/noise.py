import numpy as np

from mmcion.structures import FeatureStore, IdentityLabels

from .functional import DISTANCE_ERROR, count_near, normalise
from .grouped_rows import sums_and_distances

MAX_IDENTITIES = 8192  # up to this number, all are compared with all
SAMPLE = 2048  # number of them that is compared with all otherwise


def noise_rates(
    features: FeatureStore,
    labels: IdentityLabels,
    sigma: float,
    delta: float,
) -> dict[str, float]:
    """Return the noise of a labelling: the paper's n_S, and two fractions.

    All are zero exactly when CION's criteria hold: intra-identity consistency
    and inter-identity discrimination. What lies on the border is no noise
    (ours).

    Of more than 8,192 identities, 2,048 spread evenly are compared with all:
    then ``n_drm``, ``n_s`` and ``inter`` are estimates (ours).

    Args:
        features: One row per label.
        labels: Labelling to measure, of M identities.
        sigma: Largest distance of an image to its identity's centroid, the
            average of all its features.
        delta: Smallest distance between two identities' centroids.

    Returns:
        ``n_cst``, number of identities with an image farther than ``sigma``
        (Eq. 1); ``n_drm``, number of ordered pairs of identities nearer than
        ``delta`` (Eq. 2); ``n_s``, the sum of the two divided by M (Eq. 3),
        and ``n_s_error``, its standard error, 0 if it is exact. Ours:
        ``intra``, fraction of assigned rows farther than ``sigma`` from their
        centroid; ``inter``, fraction of identities that have another one
        nearer than ``delta``.
    """
    identity = labels.contiguous().identity
    sums, distance = sums_and_distances(features, identity)
    centroids = normalise(sums)  # (M, D)
    # Unassigned rows are NaN, which compares as False.
    far = distance > sigma + DISTANCE_ERROR
    n_cst = len(np.unique(identity[far]))

    num = len(centroids)
    size = num if num <= MAX_IDENTITIES else SAMPLE
    queries = np.linspace(0, num - 1, size).round().astype(np.int64)
    # (q,) sum over j of n_drm(i, j)
    near = count_near(centroids, queries, delta - DISTANCE_ERROR)
    n_drm = error = 0.0
    if size:
        n_drm = near.mean() * num
    if 1 < size < num:
        # of a mean of some of num, drawn without replacement
        error = near.std(ddof=1) * np.sqrt((1 / size) * (1 - size / num))
    return {
        'intra': int(far.sum()) / max(int((identity >= 0).sum()), 1),
        'inter': float((near > 0).mean()) if size else 0.0,
        'n_cst': n_cst,
        'n_drm': round(n_drm),
        'n_s': float((n_cst + n_drm) / max(num, 1)),
        'n_s_error': float(error),
    }
