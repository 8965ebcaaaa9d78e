import itertools

import numpy as np
import pytest

from mmcion.evaluation import evaluate_distances


def test_single_shot_by_hand():
    # query of identity 1: matches at 2 and 5, identity 2 at 1 and 3, identity
    # 3 at 4; the image of the query's camera at 0 does not count
    distances = [[0, 2, 5, 1, 3, 4]]
    labels = ([1], [1, 1, 1, 2, 2, 3], [0], [0, 1, 1, 0, 1, 1])
    scores = evaluate_distances(
        distances, *labels, ranks=(1, 2, 3), protocol='CUHK03Protocol'
    )
    # drawn 2: before it identity 2 with chance 1/2; drawn 5: both others
    assert scores['Rank-1'] == pytest.approx((1 / 2 + 0) / 2)
    assert scores['Rank-2'] == pytest.approx((1 + 0) / 2)
    assert scores['Rank-3'] == pytest.approx(1)
    # AP and INP rank all images: matches at ranks 2 and 5
    assert scores['mAP'] == pytest.approx((1 / 2 + 2 / 5) / 2)
    assert scores['mINP'] == pytest.approx(2 / 5)


def brute_force(distances, pid, g_pids, ranks):
    """Average over all draws; a wrong identity comes first if tied."""
    groups = [np.flatnonzero(g_pids == p) for p in np.unique(g_pids)]
    hits = []
    for draw in itertools.product(*groups):
        order = sorted(
            draw, key=lambda row: (distances[row], g_pids[row] == pid)
        )
        listed = g_pids[order].tolist()
        hits.append([listed.index(pid) < rank for rank in ranks])
    return np.mean(hits, axis=0)


@pytest.mark.parametrize('levels', [3, 1000])
@pytest.mark.parametrize('seed', range(4))
def test_equals_the_mean_over_all_draws(seed, levels):
    rng = np.random.default_rng(seed)
    g_pids = np.array([1, 2, 0, 1, 3, 2, 1, 3, 0])
    distances = rng.integers(levels, size=(4, 9)) / levels
    for pid in range(4):
        found = evaluate_distances(
            distances[pid, None],
            [pid],
            g_pids,
            ranks=(1, 2, 3),
            protocol='CUHK03Protocol',
        )
        expected = brute_force(distances[pid], pid, g_pids, (1, 2, 3))
        hits = [found[f'Rank-{rank}'] for rank in (1, 2, 3)]
        assert hits == pytest.approx(expected, abs=1e-12)


def test_a_single_identity_is_always_first():
    found = evaluate_distances(
        [[1, 1]], [0], [0, 0], protocol='CUHK03Protocol'
    )
    assert found['Rank-1'] == 1


def test_mean_of_many_draws_comes_near():
    rng = np.random.default_rng(1)
    distances = rng.random((6, 30))
    pids, cams = np.arange(30) % 5, np.arange(30) % 2
    q_pids, q_cams = np.arange(6) % 5, np.zeros(6, int)
    exact = evaluate_distances(
        *(distances, q_pids, pids, q_cams, cams),
        ranks=(1, 2),
        protocol='CUHK03Protocol',
    )
    hits = []
    for query in range(6):
        same = (pids == q_pids[query]) & (cams == q_cams[query])
        for _ in range(1500):
            drawn = [
                rng.choice(np.flatnonzero(~same & (pids == pid)))
                for pid in range(5)
            ]
            place = np.argsort(distances[query][drawn]).tolist()
            hits.append(place.index(q_pids[query]))
    for rank in (1, 2):
        found = np.mean(np.array(hits) < rank)
        assert exact[f'Rank-{rank}'] == pytest.approx(found, abs=0.02)
