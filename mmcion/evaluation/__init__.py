from .functional import (
    GroundTruth,
    alpha_query_expansion,
    average_query_expansion,
    evaluate,
    evaluate_distances,
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
    'alpha_query_expansion',
    'average_query_expansion',
    'evaluate',
    'evaluate_distances',
    'identity_metrics',
    'match_truth',
    'nearest_gallery',
    'people_across_cuts',
    'query_gallery_split',
    'read_truth',
    'rerank',
]
