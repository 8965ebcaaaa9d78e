from .functional import (
    GroundTruth,
    evaluate,
    identity_metrics,
    match_truth,
    nearest_gallery,
    people_across_cuts,
    query_gallery_split,
    read_truth,
    rerank,
)
from .metrics import ReIDMetric

__all__ = [
    'GroundTruth',
    'ReIDMetric',
    'evaluate',
    'identity_metrics',
    'match_truth',
    'nearest_gallery',
    'people_across_cuts',
    'query_gallery_split',
    'read_truth',
    'rerank',
]
