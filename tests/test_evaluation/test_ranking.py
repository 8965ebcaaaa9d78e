import itertools

import numpy as np
import pytest

from mmcion.evaluation import EvaluationOptions, evaluate_distances
from mmcion.evaluation import ranking as ranking_module
from mmcion.evaluation.protocols import Labels
from mmcion.evaluation.ranking import own_queries, rank_gallery
from mmcion.evaluation.retrieval import matrix_blocks
from mmcion.utils.checks import UserError

from .brute_force import brute_force


def tied_case(seed, num_queries=40, num_gallery=60, levels=12):
    """Few levels of distance, junk, distractors and unknown identities."""
    rng = np.random.default_rng(seed)
    return (
        rng.integers(levels, size=(num_queries, num_gallery)) / levels,
        rng.integers(-1, 12, size=num_queries),
        rng.integers(-1, 9, size=num_gallery),  # 9 to 11 have no match
        rng.integers(3, size=num_queries),
        rng.integers(3, size=num_gallery),
    )


@pytest.mark.parametrize('cameras', [True, False])
@pytest.mark.parametrize('seed', range(8))
def test_ties_count_as_before_the_match(seed, cameras):
    case = tied_case(seed)
    case = case if cameras else case[:3]
    found, expected = evaluate_distances(*case), brute_force(*case)
    assert expected['num_tied_queries'] > 20
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize('num_matches', [3, 80])
def test_few_and_many_matches_are_counted_alike(num_matches, monkeypatch):
    rng = np.random.default_rng(0)
    distances = rng.integers(30, size=(5, 200)) / 30
    g_pids = np.arange(200) >= num_matches
    case = distances, np.zeros(5, int), g_pids.astype(int)
    found = evaluate_distances(*case)
    assert found == pytest.approx(brute_force(*case), abs=1e-12)
    monkeypatch.setattr(ranking_module, '_MANY_MATCHES', 20)
    assert evaluate_distances(*case) == found


def test_hand_computed_list():
    # nearest first: ignored (camera), distractor, match, junk, wrong, match
    # -> wrong, match, wrong, match
    distances = [[1, 2, 3, 4, 5, 6]]
    g_pids, g_cams = [7, 0, 7, -1, 8, 7], [1, 2, 2, 2, 2, 3]
    found = evaluate_distances(distances, [7], g_pids, [1], g_cams)
    assert found['mAP'] == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert found['mINP'] == pytest.approx(2 / 4)
    assert (found['Rank-1'], found['Rank-5']) == (0, 1)


def test_scores_of_single_queries():
    labels = Labels(np.array([5, 5, -1, 9]), np.array([4, 5, 4, 5]))
    distances = np.array([[1.0, 2, 3, 4], [1, 1, 2, 0], [1] * 4, [1] * 4])
    scores, (split,) = rank_gallery(
        matrix_blocks(distances),
        labels,
        EvaluationOptions(ranks=(1, 2), keep_nearest=3),
    )
    assert split.queries.tolist() == [0, 1, 3]
    assert scores.num_matches.tolist() == [2, 2, 0]
    assert scores.ap == pytest.approx(
        [(1 / 2 + 2 / 4) / 2, (1 + 2 / 3) / 2, 0]
    )
    assert scores.inp == pytest.approx([2 / 4, 2 / 3, 0])
    assert scores.hits.tolist() == [[0, 1], [1, 1], [0, 0]]
    assert scores.is_tied.tolist() == [False, True, False]
    assert scores.nearest[:2].tolist() == [[0, 1, 2], [3, 0, 1]]
    assert scores.distances[1].tolist() == [0, 1, 1]


def test_nearest_are_padded():
    labels = Labels(np.array([1]), np.array([1, -1]))
    scores, _ = rank_gallery(
        matrix_blocks(np.array([[3.0, 1.0]])),
        labels,
        EvaluationOptions(keep_nearest=3),
    )
    assert scores.nearest.tolist() == [[0, -1, -1]]
    assert scores.distances.tolist() == [[3, np.inf, np.inf]]


@pytest.mark.parametrize('num_queries', [0, 1, 256, 257, 3368])
@pytest.mark.parametrize('world_size', [1, 2, 3, 16])
def test_ranks_take_whole_blocks(num_queries, world_size, monkeypatch):
    parts = []
    for rank in range(world_size):
        monkeypatch.setattr(
            ranking_module,
            'get_dist_info',
            lambda info=(rank, world_size): info,
        )
        parts.append(own_queries(num_queries, distributed=True))
    assert all(part.start % 256 == 0 for part in parts)
    rows = itertools.chain(*(range(num_queries)[part] for part in parts))
    assert list(rows) == list(range(num_queries))
    assert own_queries(num_queries, distributed=False) == slice(0, num_queries)


@pytest.mark.parametrize(
    ('q_pids', 'g_pids', 'cams', 'cause'),
    [
        ([1, 2], [1, 2], [0, 0], 'camera_aware=False'),
        ([1, 2], [3, 4], [0, 0], 'no query identity is in the gallery'),
        ([-1, -1], [1, 2], None, 'no query image'),
        ([1, 2], [-1, -1], None, 'no gallery image'),
        ([1, 2], [], None, 'no gallery image'),
        ([], [1, 2], None, 'no query image'),
    ],
)
def test_no_valid_query_is_explained(q_pids, g_pids, cams, cause):
    distances = np.ones((len(q_pids), len(g_pids)))
    with pytest.raises(UserError, match=cause):
        evaluate_distances(distances, q_pids, g_pids, cams, cams)
