"""Functions that levels of identity correlation are built from."""

from .allocation import accept, nearest_identity, propose
from .centroids import (
    DISTANCE_ERROR,
    add_rows,
    centroid_distance,
    normalise,
    one_box_per_frame,
)
from .consistency import TIE, consistent_groups, consistent_rows
from .distance_counts import DISTANCE_EDGES, count_distances
from .neighbours import count_near, near_pairs, pair_distance

__all__ = [
    'DISTANCE_EDGES',
    'DISTANCE_ERROR',
    'TIE',
    'accept',
    'add_rows',
    'centroid_distance',
    'consistent_groups',
    'consistent_rows',
    'count_distances',
    'count_near',
    'near_pairs',
    'nearest_identity',
    'normalise',
    'one_box_per_frame',
    'pair_distance',
    'propose',
]
