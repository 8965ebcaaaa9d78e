import numpy as np
import pytest

from mmcion.evaluation.functional import score_queries
from mmcion.evaluation.functional.query_scores import summarize
from mmcion.evaluation.protocols import GalleryRule, Labels


def test_scores_of_single_queries():
    gf = np.array([[1, 0.1], [1, 0.2], [1, 0.3]])
    qf = np.array([[1, 0], [1, 0.4], [1, 0], [1, 0]])
    pids = [5, 5, -1, 9]  # 9 has no match, -1 is not asked
    labels = Labels.of(pids, [4, 5, 4], num_queries=4, num_gallery=3)
    scores = score_queries(qf, gf, GalleryRule(labels), ranks=(1, 2))
    assert scores.num_matches.tolist() == [1, 1, -1, 0]
    assert scores.ap.tolist() == [0.5, 0.5, 0, 0]
    assert scores.hits.tolist() == [[0, 1], [0, 1], [0, 0], [0, 0]]
    assert summarize(scores) == {
        'mAP': pytest.approx(0.5),
        'mINP': pytest.approx(0.5),
        'Rank-1': 0,
        'Rank-2': 1,
        'num_valid_queries': 2,
        'num_queries': 3,
        'num_tied_queries': 0,
    }
