import numpy as np
import pytest

from mmcion.evaluation import evaluate, evaluate_distances


def test_single_shot_by_hand():
    # query of person 1: own images at 2 and 5, person 2 at 1 and 3, person 3
    # at 4; the image of the own camera at 0 does not count
    distances = [[0, 2, 5, 1, 3, 4]]
    labels = ([1], [1, 1, 1, 2, 2, 3], [0], [0, 1, 1, 0, 1, 1])
    scores = evaluate_distances(
        distances, *labels, ranks=(1, 2, 3), protocol='CUHK03Protocol'
    )
    # drawn 2: before it person 2 with chance 1/2; drawn 5: both others
    assert scores['Rank-1'] == pytest.approx((1 / 2 + 0) / 2)
    assert scores['Rank-2'] == pytest.approx((1 + 0) / 2)
    assert scores['Rank-3'] == pytest.approx(1)
    # AP and INP rank all images: matches at places 2 and 5
    assert scores['mAP'] == pytest.approx((1 / 2 + 2 / 5) / 2)
    assert scores['mINP'] == pytest.approx(2 / 5)


def test_order_of_the_gallery_changes_nothing():
    rng = np.random.default_rng(0)
    qf, gf = rng.normal(size=(8, 4)), rng.normal(size=(40, 4))
    gf[5:9] = gf[3]
    pids, cams = rng.integers(5, size=40), rng.integers(2, size=40)
    q_pids, q_cams = np.arange(8) % 6, np.arange(8) % 2
    order = rng.permutation(40)
    first, second = (
        evaluate(
            *(qf, gf[o], q_pids, pids[o], q_cams, cams[o]),
            protocol='CUHK03Protocol',
        )
        for o in (slice(None), order)
    )
    assert first == pytest.approx(second, abs=1e-12)
    assert 0 < first['Rank-1'] < first['Rank-5'] == 1
    assert first['num_valid_queries'] < first['num_queries']


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
