import numpy as np
import pytest
import torch

from mmcion import evaluate, rerank
from mmcion.evaluation import evaluate_distances


def squared_distances(feats):
    return ((feats[:, None] - feats[None]) ** 2).sum(axis=2)


def near_both_ways(order, i, k):
    return {j for j in order[i, :k] if i in order[j, :k]}


def brute_force(qf, gf, k1, k2, lambda_value, variant):
    """The published definition with sets and dense rows, in float64."""
    distance = squared_distances(np.concatenate([qf, gf]))
    order = np.argsort(distance, axis=1, kind='stable')
    half = int(np.around(k1 / 2)) + 1
    if variant == 'zhong':
        k = k1 + 1
        largest = distance.max(axis=1, keepdims=True)
        distance = distance / np.where(largest > 0, largest, 1)
    else:
        k, half = k1, min(half, k1)
    encoding = np.zeros_like(distance)
    for i in range(len(distance)):
        near = near_both_ways(order, i, k)
        members = set(near)
        for j in near:
            other = near_both_ways(order, j, half)
            if len(other & near) > 2 / 3 * len(other):
                members |= other
        if members:
            members = sorted(members)
            weight = np.exp(-distance[i, members])
            encoding[i, members] = weight / weight.sum()
    if k2 > 1:
        encoding = encoding[order[:, :k2]].mean(axis=1)
    queries, gallery = encoding[: len(qf)], encoding[len(qf) :]
    both = np.minimum(queries[:, None], gallery[None]).sum(axis=2)
    jaccard = 1 - both / (2 - both)
    original = distance[: len(qf), len(qf) :]
    return lambda_value * original + (1 - lambda_value) * jaccard


def people(seed, queries=30, gallery=70, noise=1.0):
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((12, 8))
    pids = rng.integers(12, size=queries + gallery)
    feats = centers[pids] + noise * rng.standard_normal((len(pids), 8))
    return feats[:queries], feats[queries:], pids[:queries], pids[queries:]


@pytest.mark.parametrize('variant', ['zhong', 'faiss'])
@pytest.mark.parametrize(
    ('k1', 'k2', 'lambda_value'),
    [(20, 6, 0.3), (5, 1, 0), (7, 7, 1), (1, 1, 0.5), (99, 6, 0.3)],
)
def test_equals_brute_force(variant, k1, k2, lambda_value):
    qf, gf, *_ = people(k1)
    expected = brute_force(qf, gf, k1, k2, lambda_value, variant)
    found = rerank(qf, gf, k1, k2, lambda_value, variant)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize('variant', ['zhong', 'faiss'])
@pytest.mark.parametrize('seed', range(4))
def test_equal_images_count_in_order(variant, seed):
    # small whole numbers: distances are exact, and most images have a twin
    rng = np.random.default_rng(seed)
    feats = rng.integers(0, 3, (80, 3)).astype(np.float32)
    expected = brute_force(feats[:20], feats[20:], 6, 3, 0.3, variant)
    found = rerank(feats[:20], feats[20:], 6, 3, 0.3, variant)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize('variant', ['zhong', 'faiss'])
def test_more_equal_images_than_neighbours(variant):
    ones = np.ones((9, 4), np.float32)
    found = rerank(ones[:2], ones[2:], 3, 2, 0.3, variant)
    expected = brute_force(ones[:2], ones[2:], 3, 2, 0.3, variant)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_several_blocks_are_the_whole(monkeypatch):
    qf, gf, *_ = people(0)
    whole = rerank(qf, gf)
    monkeypatch.setattr(
        'mmcion.evaluation.functional.reranking._BLOCK_BYTES', 8 * 100 * 7
    )
    np.testing.assert_allclose(rerank(qf, gf), whole, atol=1e-6)


def test_tensors_of_single_precision_give_the_same():
    qf, gf, *_ = people(1)
    tensors = [torch.from_numpy(f).float() for f in (qf, gf)]
    np.testing.assert_allclose(rerank(*tensors), rerank(qf, gf), atol=1e-5)


def test_people_are_found_better():
    qf, gf, q_pids, g_pids = people(3, noise=1.3)
    before = evaluate(qf, gf, q_pids, g_pids, distance='euclidean')['mAP']
    after = evaluate_distances(rerank(qf, gf, 8, 3), q_pids, g_pids)
    assert after['mAP'] > before + 0.02


def test_nothing_to_rank():
    assert rerank(np.ones((0, 2)), np.ones((30, 2))).shape == (0, 30)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'variant': 'dense'}, "variant must be one of .* got 'dense'"),
        ({'lambda_value': 1.1}, r'lambda_value must be in \[0, 1\]; got 1.1'),
        ({'lambda_value': float('nan')}, 'lambda_value must be'),
        ({'k1': 100}, r'k1 \(100\) must be below .* together \(100\)'),
        ({'k2': 21}, r'k2 must be in \[1, k1 = 20\]; got 21'),
        ({'k2': 0}, 'got 0'),
        ({'k1': 0}, 'k1 must be at least 1; got 0'),
        ({'gf': np.ones((0, 8))}, r'the gallery \(gf\) is empty'),
        ({'gf': np.full((70, 8), np.nan)}, 'gf row 0 holds NaN'),
        ({'gf': np.ones((70, 9))}, 'differ in size: 8 and 9'),
        ({'qf': np.full((30, 8), 1e200)}, 'overflow; normalise'),
    ],
)
def test_bad_arguments_are_named(change, message):
    qf, gf, *_ = people(0)
    with pytest.raises(ValueError, match=message):
        rerank(**{'qf': qf, 'gf': gf} | change)
