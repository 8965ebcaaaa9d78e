"""Ranking, metrics and protocols."""

from .distances import nearest_gallery, normalize_rows
from .ground_truth import GroundTruth, match_truth, read_truth
from .identity import identity_metrics
from .k_reciprocal import jaccard_graph
from .metrics import ReIDMetric
from .options import EvaluationOptions
from .protocols import (
    CUHK03Protocol,
    EvaluationSplit,
    MarketProtocol,
    SYSUMM01Protocol,
)
from .query_expansion import alpha_query_expansion
from .query_gallery import query_gallery_split, tracks_across_cuts
from .reranking import rerank
from .retrieval import evaluate, evaluate_distances, evaluate_features
from .roc import ThresholdCalibration, calibrate_threshold, roc_curve
from .track_metrics import track_metrics

__all__ = [
    'CUHK03Protocol',
    'EvaluationOptions',
    'EvaluationSplit',
    'GroundTruth',
    'MarketProtocol',
    'ReIDMetric',
    'SYSUMM01Protocol',
    'ThresholdCalibration',
    'alpha_query_expansion',
    'calibrate_threshold',
    'evaluate',
    'evaluate_distances',
    'evaluate_features',
    'identity_metrics',
    'jaccard_graph',
    'match_truth',
    'nearest_gallery',
    'normalize_rows',
    'query_gallery_split',
    'read_truth',
    'rerank',
    'roc_curve',
    'track_metrics',
    'tracks_across_cuts',
]
