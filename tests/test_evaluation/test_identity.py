import itertools

import numpy as np
import pytest
from sklearn.metrics import (
    adjusted_rand_score,
    normalized_mutual_info_score,
)

from mmcion.evaluation import identity_metrics
from mmcion.utils.checks import UserError


def brute_force_pairs(true, found):
    pairs = list(itertools.combinations(range(len(true)), 2))
    in_true = {p for p in pairs if true[p[0]] == true[p[1]]}
    in_found = {p for p in pairs if found[p[0]] == found[p[1]]}
    both = len(in_true & in_found)
    return both / len(in_found), both / len(in_true)


def brute_force_bcubed(true, found):
    precision, recall = [], []
    for i in range(len(true)):
        mine, theirs = found == found[i], true == true[i]
        precision.append((mine & theirs).sum() / mine.sum())
        recall.append((mine & theirs).sum() / theirs.sum())
    return np.mean(precision), np.mean(recall)


@pytest.mark.parametrize('seed', range(5))
def test_equals_brute_force_and_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    true, found = rng.integers(-1, 9, 120), rng.integers(-1, 14, 120) * 5
    kept = (true >= 0) & (found >= 0)
    t, f = true[kept], found[kept]

    result = identity_metrics(true, found)

    precision, recall = brute_force_pairs(t, f)
    assert result['pairwise_precision'] == pytest.approx(precision, abs=1e-12)
    assert result['pairwise_recall'] == pytest.approx(recall, abs=1e-12)
    assert result['pairwise_f1'] == pytest.approx(
        2 * precision * recall / (precision + recall)
    )
    bcubed = brute_force_bcubed(t, f)
    assert result['bcubed_precision'] == pytest.approx(bcubed[0], abs=1e-12)
    assert result['bcubed_recall'] == pytest.approx(bcubed[1], abs=1e-12)
    assert result['ari'] == pytest.approx(adjusted_rand_score(t, f))
    assert result['nmi'] == pytest.approx(normalized_mutual_info_score(t, f))
    purity = sum(np.bincount(t[f == name]).max() for name in set(f)) / len(f)
    assert result['purity'] == pytest.approx(purity)
    assert result['kept'] == kept.sum() / (true >= 0).sum()
    assert result['num_true'] == 9
    assert result['num_found'] == len(set(f))


def test_hand_computed_case():
    #         a a a b b | dropped b, no truth
    true = [0, 0, 0, 1, 1, 1, -1]
    found = [5, 5, 6, 6, 6, -1, 5]
    result = identity_metrics(true, found)
    assert result['pairwise_precision'] == 2 / 4  # 55, and one of three 66
    assert result['pairwise_recall'] == 2 / 4  # of 3 + 1 true pairs
    assert result['purity'] == 4 / 5
    assert result['kept'] == 5 / 6


@pytest.mark.parametrize(
    'labels', [[0, 0, 0], [0, 1, 2], [3], [0, 0, 1, 1, 2]]
)
def test_perfect_labelling_scores_one_in_everything(labels):
    result = identity_metrics(labels, 10 - np.array(labels))
    counts = ('num_true', 'num_found')
    scores = [v for k, v in result.items() if k not in counts]
    assert scores == pytest.approx([1] * len(scores))


@pytest.mark.parametrize(
    ('true', 'found'), [([], []), ([0, 1], [-1, -1]), ([-1], [0])]
)
def test_nothing_kept_scores_zero_without_nan(true, found):
    result = identity_metrics(np.array(true), np.array(found))
    assert all(
        value == 0 for key, value in result.items() if key != 'num_true'
    )


def test_agrees_with_scikit_learn_in_degenerate_cases():
    ones, each = np.zeros(6, int), np.arange(6)
    for true, found in ((ones, each), (each, ones), (ones, ones)):
        result = identity_metrics(true, found)
        assert result['ari'] == adjusted_rand_score(true, found)
        assert result['nmi'] == pytest.approx(
            normalized_mutual_info_score(true, found)
        )


def test_many_rows_do_not_overflow():
    # 5e9 pairs per identity are beyond int32, products of pairs beyond int64
    true = np.arange(400_000) // 100_000
    result = identity_metrics(true, true)
    assert result['pairwise_f1'] == result['ari'] == 1


def test_lengths_must_agree():
    with pytest.raises(UserError, match='true 2, found 3'):
        identity_metrics(np.zeros(2), np.zeros(3))


def test_identities_that_are_no_integers_are_refused():
    with pytest.raises(UserError, match='found.*row 1 is nan'):
        identity_metrics([0, 1], [0, np.nan])
