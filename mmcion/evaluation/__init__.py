from .functional import (
    GroundTruth,
    evaluate,
    identity_metrics,
    match_truth,
    nearest_gallery,
    read_truth,
)
from .metrics import ReIDMetric

__all__ = [
    'GroundTruth',
    'ReIDMetric',
    'evaluate',
    'identity_metrics',
    'match_truth',
    'nearest_gallery',
    'read_truth',
]
