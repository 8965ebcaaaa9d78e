from .consistency import centroid, consistent_rows, normalise
from .neighbours import near_pairs, nearest_other, pair_distance

__all__ = [
    'centroid',
    'consistent_rows',
    'near_pairs',
    'nearest_other',
    'normalise',
    'pair_distance',
]
