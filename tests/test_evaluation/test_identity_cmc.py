import itertools

import numpy as np
import pytest

from mmcion.evaluation.functional.distance import TieLimit
from mmcion.evaluation.functional.identity_cmc import identity_hits
from mmcion.evaluation.protocols import (
    CUHK03Protocol,
    Labels,
    SYSUMM01Protocol,
)

from .test_ranking import all_orders

RANKS = (1, 2, 3)


def brute_force(kind, row, g_pids, pid, counts):
    """Go through all draws and all orders of ties."""
    means = []
    for chosen in draws(kind, g_pids, counts):
        hits = []
        for order in all_orders(row[chosen]):
            listed = list(dict.fromkeys(g_pids[chosen][order].tolist()))
            hits.append([listed.index(pid) < rank for rank in RANKS])
        means.append(np.mean(hits, axis=0))
    return np.mean(means, axis=0)


def draws(kind, g_pids, counts):
    rows = np.flatnonzero(counts)
    if kind == 'first':
        return [rows]
    groups = [rows[g_pids[rows] == pid] for pid in np.unique(g_pids[rows])]
    return [np.array(draw) for draw in itertools.product(*groups)]


@pytest.mark.parametrize('levels', [2, 4, 30])
@pytest.mark.parametrize('kind', ['first', 'drawn'])
@pytest.mark.parametrize('seed', range(4))
def test_equals_mean_over_all_draws_and_orders(seed, kind, levels):
    rng = np.random.default_rng(seed)
    g_pids = np.array([1, 2, 0, 1, 3, 2, 1, -1, 0])
    cams = np.array([1, 2, 1, 2, 1, 1, 4, 1, 5])
    distances = rng.integers(levels, size=(4, 9)) / levels
    labels = Labels(np.arange(4), g_pids, np.full(4, 3), cams)
    labels.q_cams[1] = 6
    if kind == 'first':
        protocol = SYSUMM01Protocol()
        left_out = (labels.q_cams[:, None] == 3) & (cams == 2)
    else:
        protocol = CUHK03Protocol()
        labels.q_cams[0] = 1
        same = labels.q_pids[:, None] == g_pids
        left_out = same & (labels.q_cams[:, None] == cams)
    rule = protocol.rule(labels)
    given = distances.copy()

    hits = identity_hits(
        given,
        rule,
        np.arange(4),
        limit=TieLimit(np.full(4, 1e-9)),
        ties='mean',
        ranks=RANKS,
    )

    np.testing.assert_array_equal(given, distances)
    for query in range(4):
        counts = ~left_out[query] & (g_pids != -1)
        expected = brute_force(kind, distances[query], g_pids, query, counts)
        np.testing.assert_allclose(hits[query], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ('protocol', 'expected'),
    [(SYSUMM01Protocol(), [0, 1, 1]), (CUHK03Protocol(), [0.5, 0.75, 1])],
)
def test_pessimistic_tie_by_hand(protocol, expected):
    # own image ties with one of 1, whose other is far, and with one of 2
    labels = Labels(
        np.array([0]),
        np.array([0, 1, 1, 2, 2]),
        np.array([6]),
        np.array([1, 1, 2, 1, 2]),
    )
    distances = np.array([[0.3, 0.3, 0.9, 0.8, 0.9]])
    if protocol.rule.cmc == 'drawn':
        distances[0, 3] = 0.3
        expected = [0.25, 0.75, 1]
    hits = identity_hits(
        distances,
        protocol.rule(labels),
        np.array([0]),
        limit=TieLimit(np.full(4, 1e-9)),
        ties='pessimistic',
        ranks=RANKS,
    )
    assert hits[0].tolist() == expected


@pytest.mark.parametrize('protocol', [SYSUMM01Protocol(), CUHK03Protocol()])
def test_collapsed_features_give_chance(protocol):
    people = 300
    labels = Labels(
        np.array([0]),
        np.repeat(np.arange(people), 3),
        np.array([6]),
        np.tile([1, 2, 4], people),
    )
    hits = identity_hits(
        np.zeros((1, 3 * people)),
        protocol.rule(labels),
        np.array([0]),
        limit=TieLimit(np.full(4, 1e-9)),
        ties='mean',
        ranks=(1, 10),
    )
    np.testing.assert_allclose(hits[0], [1 / 300, 10 / 300], rtol=1e-10)


@pytest.mark.parametrize('protocol', [SYSUMM01Protocol(), CUHK03Protocol()])
def test_lone_identity_is_first_and_absent_one_never(protocol):
    labels = Labels(
        np.array([0, 5]), np.zeros(2, int), np.array([6, 6]), np.array([1, 2])
    )
    hits = identity_hits(
        np.ones((2, 2)),
        protocol.rule(labels),
        np.arange(2),
        limit=TieLimit(np.full(4, 1e-9)),
        ties='mean',
        ranks=RANKS,
    )
    assert hits.tolist() == [[1, 1, 1], [0, 0, 0]]
