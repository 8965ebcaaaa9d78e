"""Order and ties of float32 features are those of double precision."""

import numpy as np
import pytest

from mmcion.evaluation import evaluate, evaluate_distances, roc_curve

KEYS = ('mAP', 'mINP', 'Rank-1', 'Rank-5', 'num_tied_queries')


def labels(num_queries, num_gallery, people=20):
    return np.arange(num_queries) % people, np.arange(num_gallery) % people


def people_far_from_the_origin(shift, rng):
    """Features that are the more alike the larger the shift is."""
    q_pids, g_pids = labels(40, 3000)
    centre = rng.normal(size=(20, 32))
    mean = rng.normal(size=32) * shift
    sides = [
        centre[pids] + rng.normal(size=(len(pids), 32)) + mean
        for pids in (q_pids, g_pids)
    ]
    return *(side.astype(np.float32) for side in sides), q_pids, g_pids


def chosen(scores):
    return {key: scores[key] for key in KEYS}


@pytest.mark.parametrize('distance', ['cosine', 'euclidean'])
@pytest.mark.parametrize('shift', [0, 20, 200, 2000])
def test_alike_features_are_told_apart(shift, distance):
    rng = np.random.default_rng(0)
    qf, gf, *ids = people_far_from_the_origin(shift, rng)
    qf[3], gf[7:11] = qf[2], gf[6]  # and what is equal ties
    found = evaluate(qf, gf, *ids, distance=distance)
    double = [side.astype(np.float64) for side in (qf, gf)]
    expected = evaluate(*double, *ids, distance=distance)
    assert chosen(found) == pytest.approx(chosen(expected), abs=1e-12)
    assert found['mAP'] > 0.3


def test_collapsed_features_tie_all():
    qf, gf = np.ones((4, 8), np.float32), np.ones((300, 8), np.float32)
    q_pids, g_pids = labels(4, 300)
    found = evaluate(qf, gf, q_pids, g_pids)
    assert found['num_tied_queries'] == 4
    assert found['Rank-1'] == pytest.approx(1 / 20)


@pytest.mark.parametrize('shift', [0, 20])
def test_order_of_the_gallery_changes_nothing(shift):
    rng = np.random.default_rng(1)
    qf, gf, q_pids, g_pids = people_far_from_the_origin(shift, rng)
    gf[50:80] = gf[20:50]
    order = rng.permutation(len(gf))
    first = evaluate(qf, gf, q_pids, g_pids)
    second = evaluate(qf, gf[order], q_pids, g_pids[order])
    assert first == pytest.approx(second, abs=1e-12)


@pytest.mark.parametrize('length', [300, 1e4])
def test_one_long_feature_blurs_no_other(length):
    rng = np.random.default_rng(2)
    qf, gf, *ids = people_far_from_the_origin(0, rng)
    gf[5] *= length
    found = evaluate(qf, gf, *ids, distance='euclidean')
    double = [side.astype(np.float64) for side in (qf, gf)]
    expected = evaluate(*double, *ids, distance='euclidean')
    assert chosen(found) == pytest.approx(chosen(expected), abs=1e-12)
    curve = roc_curve(qf, gf, *ids, distance='euclidean')
    exact = roc_curve(*double, *ids, distance='euclidean')
    assert curve.tpr_at(0.01) == exact.tpr_at(0.01) > 0.2


@pytest.mark.parametrize('mask', [1e4, 1e6, 1e30])
def test_masked_distances_blur_no_other(mask):
    rng = np.random.default_rng(3)
    distances = rng.random((10, 400)).astype(np.float32)
    ids = labels(10, 400)
    expected = evaluate_distances(distances, *ids)
    assert expected['num_tied_queries'] == 0
    wrong = np.flatnonzero(ids[1] != ids[0][0])
    distances[0, wrong[distances[0, wrong].argmax()]] = mask
    assert evaluate_distances(distances, *ids) == expected


def test_given_distances_tie_where_they_are_equal():
    distances = [[1, 1 + 1e-15, 2]]
    scores = evaluate_distances(distances, [1], [0, 1, 0])
    assert (scores['mAP'], scores['num_tied_queries']) == (0.5, 0)
    scores = evaluate_distances([[1, 1, 2]], [1], [0, 1, 0])
    assert (scores['mAP'], scores['num_tied_queries']) == (0.75, 1)
