import numpy as np
import pytest
import torch

from mmcion.evaluation import calibrate_threshold, roc_curve
from mmcion.utils.checks import UserError

from ..dist_utils import run_on_ranks
from .brute_force import distances_between


def random_case(seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((20, 6))
    q_pids, g_pids = rng.integers(-1, 20, 300), rng.integers(-1, 25, 200)
    qf = centers[q_pids] + rng.standard_normal((300, 6))
    gf = centers[g_pids % 20] + rng.standard_normal((200, 6))
    gf[50:60] = gf[:10]
    cams = rng.integers(3, size=300), rng.integers(3, size=200)
    return qf.astype(dtype), gf.astype(dtype), q_pids, g_pids, *cams


def all_pairs(qf, gf, q_pids, g_pids, q_cams, g_cams, distance='cosine'):
    """Return the distances of the matching and of the wrong pairs."""
    distances = distances_between(qf, gf, distance)
    same = q_pids[:, None] == g_pids
    counts = (q_pids[:, None] != -1) & (g_pids != -1)
    counts &= ~(same & (q_cams[:, None] == g_cams))
    return distances[counts & same], distances[counts & ~same]


@pytest.mark.parametrize('distance', ['cosine', 'euclidean'])
@pytest.mark.parametrize('seed', range(3))
def test_equals_counts_over_all_pairs(seed, distance):
    case = random_case(seed)
    matches, wrong = all_pairs(*case, distance)
    curve = roc_curve(*case, distance=distance)
    assert (curve.num_matches, curve.num_wrong) == (len(matches), len(wrong))
    limits = curve.thresholds[:, None] + 1e-11
    np.testing.assert_allclose(curve.tpr, (matches <= limits).mean(axis=1))
    np.testing.assert_allclose(curve.fpr, (wrong <= limits).mean(axis=1))
    assert np.isin(matches.round(9), curve.thresholds.round(9)).all()


def curve_of(distributed):
    from mmcion.evaluation.protocols import Labels, MarketProtocol
    from mmcion.evaluation.retrieval import matrix_blocks
    from mmcion.evaluation.roc import roc_of_split

    qf, gf, *labels = random_case(0)
    labels = Labels(*labels)
    split = MarketProtocol().split(labels, [-1])
    blocks = matrix_blocks(distances_between(qf, gf))
    return vars(roc_of_split(blocks, labels, split, distributed))


def test_two_ranks_give_the_curve_of_one():
    alone = curve_of(False)
    for found in run_on_ranks(curve_of, True):
        for name, expected in alone.items():
            np.testing.assert_array_equal(found[name], expected)


def test_equal_images_of_two_identities_are_accepted_together():
    gf = np.eye(3)[[0, 0, 1]]
    curve = roc_curve(gf[:1], gf, [1], [1, 2, 2])
    assert (curve.tpr.tolist(), curve.fpr.tolist()) == ([1], [0.5])


def test_tensors_of_single_precision():
    case = random_case(5)
    single = [torch.from_numpy(f).float() for f in case[:2]]
    curve, expected = roc_curve(*single, *case[2:]), roc_curve(*case)
    assert curve.tpr_at(0.01) == pytest.approx(expected.tpr_at(0.01), abs=0.01)


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('rate', [1e-3, 1e-2, 0.1, 0.5])
def test_threshold_keeps_the_rate(seed, rate):
    case = random_case(seed)
    matches, wrong = all_pairs(*case)
    found = calibrate_threshold(*case, false_match_rate=rate)
    accepted = 1 - found.similarity
    assert (wrong <= accepted).mean() <= rate
    assert (wrong <= accepted).sum() == found.num_false_matches
    assert (matches <= accepted).mean() == found.true_match_rate
    assert (found.num_matches, found.num_wrong) == (len(matches), len(wrong))
    # a little lower, and more wrong pairs are accepted than allowed
    assert (wrong <= accepted + 4e-6).mean() > rate


def test_threshold_by_hand():
    # cosines with the query: 1, 0.8, 0.6, 0 wrong; 0.96 and 0.6 match
    gf = [[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1], [0.96, 0.28], [0.6, 0.8]]
    args = ([[1, 0]], gf, [7], [1, 2, 3, 4, 7, 7])
    found = calibrate_threshold(*args, false_match_rate=0.25)
    assert found.similarity == pytest.approx(0.8 + 2e-6, abs=2e-7)
    assert found.true_match_rate == 0.5
    assert (found.num_false_matches, found.num_wrong) == (1, 4)
    found = calibrate_threshold(*args, false_match_rate=0.74)
    assert found.similarity == pytest.approx(0.6 + 2e-6, abs=2e-7)
    assert (found.true_match_rate, found.num_false_matches) == (0.5, 2)
    found = calibrate_threshold(*args, false_match_rate=0.75)
    assert found.similarity == pytest.approx(2e-6, abs=2e-7)
    assert (found.true_match_rate, found.num_false_matches) == (1, 3)
    almost_1 = np.nextafter(1, 0)
    found = calibrate_threshold(*args, false_match_rate=almost_1)
    assert found.num_false_matches == 3


def test_ties_at_the_limit_are_all_rejected():
    gf = [[1, 0], *[[0.8, 0.6]] * 4, [0, 1], [0.96, 0.28]]
    pids = [1, 2, 3, 4, 5, 6, 7]
    found = calibrate_threshold([[1, 0]], gf, [7], pids, false_match_rate=0.5)
    assert found.similarity > 0.8
    assert found.num_false_matches == 1


def test_without_cameras_all_images_of_an_identity_match():
    args = (np.eye(2)[:1], np.eye(2), [1], [1, 2])
    assert calibrate_threshold(*args, false_match_rate=0.1).num_matches == 1
    with pytest.raises(UserError, match='no query has a match'):
        calibrate_threshold(*args, [0], [0, 0], false_match_rate=0.1)


def test_few_wrong_pairs_warn():
    case = np.eye(16)[:15], np.eye(16) + 0.1, range(15), range(16)
    found = calibrate_threshold(*case, false_match_rate=0.05)
    assert found.num_wrong == 225 >= 10 / 0.05
    assert found.warning == ''
    found = calibrate_threshold(*case, false_match_rate=1e-3)
    assert '225 wrong pairs' in found.warning
    assert '10000 wrong pairs' in found.warning


@pytest.mark.parametrize(
    ('g_pids', 'rate', 'named'),
    [
        ([1, 1], 0.1, 'all pairs match'),
        ([2, 3], 0.1, 'no query identity is in the gallery'),
        ([2, 1], 0.1, '0.1: over 0 of 1'),
        ([1, 2], 0, r'\(0, 1\); got 0'),
        ([1, 2], 1, r'\(0, 1\); got 1'),
    ],
)
def test_impossible_thresholds(g_pids, rate, named):
    with pytest.raises(UserError, match=named):
        calibrate_threshold(
            np.eye(2)[:1], np.eye(2), [1], g_pids, false_match_rate=rate
        )
