from .allocation import admit, csr, nearest_identity
from .centroids import add_rows, centroid_distance
from .consistency import consistent_groups, consistent_rows, normalise
from .neighbours import check_range, near_pairs, nearest_other, pair_distance

__all__ = [
    'add_rows',
    'admit',
    'centroid_distance',
    'check_range',
    'consistent_groups',
    'consistent_rows',
    'csr',
    'near_pairs',
    'nearest_identity',
    'nearest_other',
    'normalise',
    'pair_distance',
]
