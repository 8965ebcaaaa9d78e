from .allocation import accept, nearest_identity, propose
from .centroids import (
    DISTANCE_ERROR,
    add_rows,
    centroid_distance,
    normalise,
)
from .consistency import consistent_groups, consistent_rows
from .distance_counts import DISTANCE_EDGES, count_distances
from .neighbours import near_pairs, nearest_other, pair_distance

__all__ = [
    'DISTANCE_EDGES',
    'DISTANCE_ERROR',
    'accept',
    'add_rows',
    'centroid_distance',
    'consistent_groups',
    'consistent_rows',
    'count_distances',
    'near_pairs',
    'nearest_identity',
    'nearest_other',
    'normalise',
    'pair_distance',
    'propose',
]
