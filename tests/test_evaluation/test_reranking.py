import numpy as np
import pytest
import torch

from mmcion import evaluate, rerank
from mmcion.evaluation import evaluate_distances
from mmcion.evaluation.reranking import rerank_queries
from mmcion.utils.checks import UserError


def squared_distances(feats):
    return ((feats[:, None] - feats[None]) ** 2).sum(axis=2)


def near_both_ways(order, i, k):
    return {j for j in order[i, :k] if i in order[j, :k]}


def brute_jaccard(feats, k1, k2, variant):
    """The published definition with sets and dense rows, in float64.

    Returns ``(N, N)`` Jaccard distances and those that weights are made of.
    """
    distance = squared_distances(feats.astype(np.float64))
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
    both = [np.minimum(row, encoding).sum(axis=1) for row in encoding]
    return np.array([1 - row / (2 - row) for row in both]), distance


def brute_force(qf, gf, k1, k2, lambda_value, variant):
    """Mix both distances of queries ``(Q, D)`` and gallery ``(G, D)``."""
    jaccard, distance = (
        matrix[: len(qf), len(qf) :]
        for matrix in brute_jaccard(np.concatenate([qf, gf]), k1, k2, variant)
    )
    return lambda_value * distance + (1 - lambda_value) * jaccard


def draw_case(seed, queries=30, gallery=70, noise=1.0):
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((12, 8))
    pids = rng.integers(12, size=queries + gallery)
    feats = centers[pids] + noise * rng.standard_normal((len(pids), 8))
    return feats[:queries], feats[queries:], pids[:queries], pids[queries:]


@pytest.mark.parametrize('variant', ['zhong', 'faiss'])
@pytest.mark.parametrize(
    ('k1', 'k2', 'lambda_value'),
    [(20, 6, 0.3), (5, 1, 0), (7, 7, 1), (1, 1, 0.5), (49, 6, 0.3)],
)
def test_equals_brute_force(variant, k1, k2, lambda_value):
    # 49 are all the others
    qf, gf, *_ = draw_case(k1, queries=20, gallery=30)
    expected = brute_force(qf, gf, k1, k2, lambda_value, variant)
    found = rerank(qf, gf, k1, k2, lambda_value, variant)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize('variant', ['zhong', 'faiss'])
@pytest.mark.parametrize('seed', range(4))
def test_equal_images_count_in_order(variant, seed):
    # small whole numbers: distances are exact, and most images have a twin
    rng = np.random.default_rng(seed)
    feats = rng.integers(1, 4, (80, 3)).astype(np.float32)
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
    qf, gf, *_ = draw_case(0)
    whole = rerank(qf, gf)
    monkeypatch.setattr(
        'mmcion.evaluation.k_reciprocal._BLOCK_BYTES', 8 * 100 * 7
    )
    np.testing.assert_allclose(rerank(qf, gf), whole, atol=1e-6)


def test_tensors_of_single_precision_give_the_same():
    qf, gf, *_ = draw_case(1)
    tensors = [torch.from_numpy(f).float() for f in (qf, gf)]
    np.testing.assert_allclose(rerank(*tensors), rerank(qf, gf), atol=1e-5)


def test_scores_rise():
    qf, gf, q_pids, g_pids = draw_case(3, noise=1.3)
    before = evaluate(qf, gf, q_pids, g_pids, distance='euclidean')['mAP']
    after = evaluate_distances(rerank(qf, gf, 8, 3), q_pids, g_pids)
    assert after['mAP'] > before + 0.02


def test_nothing_to_rank():
    assert rerank(np.ones((0, 2)), np.ones((30, 2))).shape == (0, 30)


def test_some_queries_are_rows_of_the_whole():
    qf, gf, *_ = draw_case(2)
    options = {'k1': 20, 'k2': 6, 'lambda_value': 0.3, 'variant': 'zhong'}
    part = rerank_queries(qf, gf, slice(7, 19), **options)
    np.testing.assert_array_equal(part, rerank(qf, gf)[7:19])


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        ({'variant': 'dense'}, "'dense'"),
        ({'lambda_value': 1.1}, r'lambda_value.*1\.1'),
        ({'lambda_value': float('nan')}, 'lambda_value.*nan'),
        ({'k1': 100}, 'k1 .* got 100 with 30 .* 70'),
        ({'k2': 21}, r'k2 .*20.*21'),
        ({'k2': 0}, 'k2 .*0'),
        ({'k1': 0}, 'k1 .*0'),
        ({'gf': np.ones((0, 8))}, r' 0 in gallery \(gf\)'),
        ({'gf': np.full((70, 8), np.nan)}, r'gf\[0\]'),
        ({'gf': np.ones((70, 9))}, '8 and 9'),
        ({'qf': np.full((30, 8), 1e200)}, 'overflow'),
    ],
)
def test_bad_arguments_are_named(change, named):
    qf, gf, *_ = draw_case(0)
    with pytest.raises(UserError, match=named):
        rerank(**{'qf': qf, 'gf': gf} | change)
