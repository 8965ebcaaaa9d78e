from .chunk_scores import score_queries
from .distance import distance_chunks
from .evaluation_options import EvaluationOptions
from .feature_evaluation import evaluate_features
from .identity import identity_metrics
from .query_expansion import (
    alpha_query_expansion,
    average_query_expansion,
)
from .query_gallery import people_across_cuts, query_gallery_split
from .query_scores import QueryScores
from .ranking import evaluate, evaluate_distances
from .reranking import rerank
from .retrieval import nearest_gallery
from .roc import RocCurve, roc_curve
from .threshold import ThresholdCalibration, calibrate_threshold
from .truth import GroundTruth, match_truth, read_truth

__all__ = [
    'EvaluationOptions',
    'GroundTruth',
    'QueryScores',
    'RocCurve',
    'ThresholdCalibration',
    'alpha_query_expansion',
    'average_query_expansion',
    'calibrate_threshold',
    'distance_chunks',
    'evaluate',
    'evaluate_distances',
    'evaluate_features',
    'identity_metrics',
    'match_truth',
    'nearest_gallery',
    'people_across_cuts',
    'query_gallery_split',
    'read_truth',
    'rerank',
    'roc_curve',
    'score_queries',
]
