import numpy as np
import pytest
import torch

from mmcion.evaluation import roc_curve


def random_case(seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((20, 6))
    q_pids, g_pids = rng.integers(-1, 20, 300), rng.integers(-1, 25, 200)
    qf = centers[q_pids] + rng.standard_normal((300, 6))
    gf = centers[g_pids % 20] + rng.standard_normal((200, 6))
    cams = rng.integers(3, size=300), rng.integers(3, size=200)
    return qf.astype(dtype), gf.astype(dtype), q_pids, g_pids, *cams


def all_pairs(qf, gf, q_pids, g_pids, q_cams, g_cams, distance):
    """Distances of the matching and of the wrong pairs."""
    if distance == 'cosine':
        unit = [f / np.linalg.norm(f, axis=1)[:, None] for f in (qf, gf)]
        distances = 1 - unit[0] @ unit[1].T
    else:
        distances = np.linalg.norm(qf[:, None] - gf, axis=2)
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
    np.testing.assert_allclose(curve.thresholds, np.sort(matches), atol=1e-10)
    limit = np.sort(matches)[:, None] + 1e-11
    np.testing.assert_allclose(curve.tpr, (matches <= limit).mean(axis=1))
    np.testing.assert_allclose(curve.fpr, (wrong <= limit).mean(axis=1))
    for fpr in (1e-3, 1e-2, 0.5, 1):
        allowed = curve.thresholds[curve.fpr <= fpr]
        assert curve.threshold_at(fpr) == allowed[-1]
        assert curve.tpr_at(fpr) == pytest.approx(
            (matches <= allowed[-1] + 1e-11).mean()
        )


def test_equal_images_of_two_people_are_accepted_together():
    gf = np.eye(3)[[0, 0, 1]]
    curve = roc_curve(gf[:1], gf, [1], [1, 2, 2])
    assert (curve.tpr.tolist(), curve.fpr.tolist()) == ([1], [0.5])
    assert curve.tpr_at(0.4) == 0
    with pytest.raises(ValueError, match=r'rate at 0.4: it is 0.5'):
        curve.threshold_at(0.4)


def test_tensors_of_single_precision():
    case = random_case(5)
    single = [torch.from_numpy(f).float() for f in case[:2]]
    curve = roc_curve(*single, *case[2:])
    expected = roc_curve(*case)
    assert curve.tpr_at(0.01) == pytest.approx(expected.tpr_at(0.01), abs=0.01)


@pytest.mark.parametrize(
    ('q_pids', 'g_pids', 'message'),
    [
        ([1, 2], [3, 4], 'no pair matches: none of the 2 query identities'),
        ([1, 1], [1, 1], 'all pairs match'),
    ],
)
def test_both_kinds_of_pairs_are_needed(q_pids, g_pids, message):
    with pytest.raises(ValueError, match=message):
        roc_curve(np.eye(2), np.eye(2), q_pids, g_pids)


def test_rates_are_shares():
    curve = roc_curve(np.eye(2), np.eye(2), [1, 2], [1, 2])
    with pytest.raises(ValueError, match=r'fpr must be in \[0, 1\]; got 2'):
        curve.tpr_at(2)
