import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.cluster import DBSCAN

from mmcion.evaluation import jaccard_graph, rerank
from mmcion.evaluation.k_reciprocal import expanded, reciprocal
from mmcion.utils.checks import UserError
from tests.golden import golden_tensor, read_golden
from tests.test_evaluation.test_reranking import brute_jaccard


def dense(graph):
    """All distances; pairs without an entry share no neighbour."""
    found = np.ones(graph.shape)
    rows = np.repeat(np.arange(len(found)), np.diff(graph.indptr))
    found[rows, graph.indices] = graph.data
    return found


def draw_features(num_identities, num_images, dim=16, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((num_identities, dim))
    owner = np.repeat(np.arange(num_identities), num_images)
    feats = centers[owner] + noise * rng.standard_normal((len(owner), dim))
    return feats / np.linalg.norm(feats, axis=1, keepdims=True)


def unit(tensor):
    return tensor / tensor.square().sum(-1, keepdim=True).sqrt()


def golden_features(case):
    """16 float64 unit features around 4 centres."""
    centres, noise = (
        golden_tensor(*(entry[k] for k in ('key', 'shape', 'scale', 'shift')))
        for entry in case['inputs'].values()
    )
    return unit(unit(centres).repeat_interleave(4, 0) + noise)


@pytest.mark.parametrize('eps', [0.6, 0.3])
def test_golden_distances_and_clusters(eps):
    case = read_golden('cluster_contrast')['k_reciprocal_jaccard']
    params, outputs = case['params'], case['outputs']
    feats = golden_features(case)
    graph = jaccard_graph(feats, params['k1'], params['k2'])
    expected = np.array(outputs['distance'])
    np.testing.assert_allclose(dense(graph), expected, atol=1e-9, rtol=0)
    near = jaccard_graph(feats, params['k1'], params['k2'], eps)
    assert near.nnz < graph.nnz
    labels = DBSCAN(eps=eps, min_samples=4, metric='precomputed').fit(near)
    name = 'dbscan_labels' if eps == 0.6 else 'dbscan_labels_eps_0_3'
    assert labels.labels_.tolist() == outputs[name]


@pytest.mark.parametrize(('k1', 'k2'), [(30, 6), (20, 1), (1, 1), (48, 7)])
def test_equals_brute_force(k1, k2):
    feats = draw_features(8, 6)  # 48 are all of them
    expected = brute_jaccard(feats, k1, k2, 'faiss')[0]
    graph = jaccard_graph(feats, k1, k2)
    np.testing.assert_allclose(dense(graph), expected, atol=1e-12)
    single = jaccard_graph(feats.astype(np.float32), k1, k2)
    np.testing.assert_allclose(dense(single), expected, atol=1e-5)


def test_is_the_distance_that_re_ranking_mixes_in():
    feats = draw_features(20, 10)
    found = dense(jaccard_graph(feats, 20, 6))[:40, 40:]
    options = {'k1': 20, 'k2': 6, 'lambda_value': 0, 'variant': 'faiss'}
    expected = rerank(feats[:40], feats[40:], **options)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_clusters_are_those_of_the_dense_form():
    feats = draw_features(40, 12, noise=0.8).astype(np.float32)
    expected = brute_jaccard(feats, 15, 6, 'faiss')[0]
    for eps in (0.4, 0.5, 0.6):
        options = {'eps': eps, 'min_samples': 4, 'metric': 'precomputed'}
        graph = jaccard_graph(feats, 15, 6, eps)
        found = DBSCAN(**options).fit(graph).labels_
        assert found.max() > 10 and (found < 0).any()
        whole = DBSCAN(**options).fit(expected.clip(0)).labels_
        np.testing.assert_array_equal(found, whole)


def test_graph_is_symmetric_and_holds_zeros():
    feats = np.repeat(draw_features(30, 2, noise=0.5), 2, axis=0)
    graph = jaccard_graph(feats, 8, 3, 0.7)
    assert (graph != graph.T).nnz == 0
    assert graph.has_sorted_indices
    assert graph.data.max() <= 0.7
    rows, columns = np.arange(0, 120, 2), np.arange(1, 120, 2)
    pattern = csr_matrix(
        (np.ones(graph.nnz), graph.indices, graph.indptr), graph.shape
    )
    # every image and its twin
    assert pattern.diagonal().all() and pattern[rows, columns].all()


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        ({'k1': 21}, r'k1.*20.*21'),
        ({'k1': 6, 'k2': 7}, r'k2.*6.*7'),
        ({'k1': 6, 'k2': 3, 'max_distance': 1.2}, r'1\.2'),
        ({'features': np.zeros((20, 3))}, r'features\[0\]'),
    ],
)
def test_bad_arguments_are_named(change, named):
    with pytest.raises(UserError, match=named):
        jaccard_graph(**{'features': np.ones((20, 3))} | change)


def sets_of(matrix):
    return [set(row.indices.tolist()) for row in matrix]


def test_neighbours_both_ways():
    neighbours = np.array([[0, 1], [1, 2], [2, 1], [3, 0]])
    assert sets_of(reciprocal(neighbours)) == [{0}, {1, 2}, {1, 2}, {3}]


def pattern(*rows):
    matrix = np.zeros((len(rows), len(rows)), np.int32)
    for row, members in zip(matrix, rows, strict=True):
        row[members] = 1
    return csr_matrix(matrix)


@pytest.mark.parametrize(
    ('group', 'neighbours', 'members'),
    [
        ([1, 2, 3], [0, 1, 2], {0, 1, 2}),  # two of three are not more
        ([1, 2, 3, 4], [0, 1, 2, 3], {0, 1, 2, 3, 4}),
        ([1, 2, 3, 4], [0, 1, 2], {0, 1, 2}),
    ],
)
def test_sets_that_share_more_than_two_thirds_are_added(
    group, neighbours, members
):
    near = pattern(neighbours, [0, 1], [0, 2], [0, 3], [4])
    half = pattern([0], *(group if i in group else [i] for i in range(1, 5)))
    assert sets_of(expanded(near, half))[0] == members
