import dataclasses
import json

import numpy as np
import pytest
import torch
import torch.distributed as dist

from mmcion.evaluation import (
    EvaluationOptions,
    alpha_query_expansion,
    evaluate,
    evaluate_distances,
    evaluate_features,
    rerank,
    roc_curve,
)
from mmcion.evaluation.retrieval import check_labels
from mmcion.structures import ReIDFeatures
from mmcion.utils.checks import UserError

from ..dist_utils import run_on_ranks
from .brute_force import brute_force, distances_between


def random_case(seed, dtype=np.float64, num_queries=700, num_gallery=900):
    """Junk, distractors and identities without a match; several blocks."""
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((30, 16))
    q_pids = rng.integers(-1, 33, num_queries)
    g_pids = rng.integers(-1, 30, num_gallery)
    qf = centers[q_pids % 30] + 2 * rng.standard_normal((num_queries, 16))
    gf = centers[g_pids % 30] + 2 * rng.standard_normal((num_gallery, 16))
    cams = rng.integers(4, size=num_queries), rng.integers(4, size=num_gallery)
    return qf.astype(dtype), gf.astype(dtype), q_pids, g_pids, *cams


@pytest.mark.parametrize('distance', ['cosine', 'euclidean'])
@pytest.mark.parametrize('cameras', [True, False])
@pytest.mark.parametrize('seed', range(3))
def test_equals_brute_force_over_several_blocks(seed, cameras, distance):
    qf, gf, *labels = random_case(seed, num_gallery=150)
    labels = labels if cameras else labels[:2]
    distances = distances_between(qf, gf, distance)
    found = evaluate(qf, gf, *labels, distance=distance)
    expected = brute_force(distances, *labels)
    assert found == pytest.approx(expected, abs=1e-12)
    assert expected['num_valid_queries'] < expected['num_queries'] < 700


@pytest.mark.parametrize('distance', ['cosine', 'euclidean'])
def test_equal_images_tie(distance):
    # small integers: Euclidean distances are exact; equal rows of the gallery
    # have equal cosines
    rng = np.random.default_rng(0)
    qf, gf = rng.integers(1, 4, (20, 3)), rng.integers(1, 4, (30, 3))
    labels = rng.integers(-1, 5, 20), rng.integers(-1, 5, 30)
    distances = distances_between(qf, gf, distance).round(12)
    found = evaluate(
        qf.astype(float), gf.astype(float), *labels, distance=distance
    )
    if distance == 'euclidean':
        expected = brute_force(distances, *labels)
        assert found == pytest.approx(expected, abs=1e-12)
    assert found['num_tied_queries'] > 10


def test_collapsed_features_score_worst():
    ones = np.ones((4, 8), np.float32)
    found = evaluate(ones[:1], ones, [1], [0, 0, 1, 0])
    assert (found['mAP'], found['Rank-1']) == (1 / 4, 0)
    assert found['num_tied_queries'] == 1


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_order_of_the_gallery_hardly_matters(dtype):
    qf, gf, q_pids, g_pids, q_cams, g_cams = random_case(0, dtype)
    gf[100:500] = gf[:400]  # equal images, often of other identities
    order = np.random.default_rng(1).permutation(len(gf))
    before = evaluate(qf, gf, q_pids, g_pids, q_cams, g_cams)
    after = evaluate(
        qf, gf[order], q_pids, g_pids[order], q_cams, g_cams[order]
    )
    for name in ('mAP', 'mINP', 'Rank-1', 'Rank-5', 'Rank-10'):
        assert after[name] == pytest.approx(before[name], abs=1e-4)


def test_tensors_and_unnormalised_features_give_the_same():
    case = random_case(3, np.float32)
    tensors = [torch.from_numpy(np.asarray(part)) for part in case]
    tensors[1] = tensors[1] * 8
    found, expected = evaluate(*tensors), evaluate(*case)
    assert found == pytest.approx(expected, abs=1e-6)


def test_euclidean_sees_norms_that_cosine_does_not():
    qf, gf = np.array([[1.0, 0.0]]), np.array([[9.0, 0.0], [1.0, 0.1]])
    cosine = evaluate(qf, gf, [1], [1, 0])
    euclidean = evaluate(qf, gf, [1], [1, 0], distance='euclidean')
    assert (cosine['Rank-1'], euclidean['Rank-1']) == (1, 0)


def test_any_rank_and_identities_as_text():
    qf, gf = [[1, 0]], [[1, 0.1], [1, 0.2], [1, 0.3], [1, 0.4]]
    found = evaluate(qf, gf, ['c'], ['a', 'b', 'c', 'c'], ranks=(50, 3, 2))
    hits = {key: value for key, value in found.items() if 'Rank' in key}
    assert hits == {'Rank-50': 1, 'Rank-3': 1, 'Rank-2': 0}


@pytest.mark.parametrize('kind', [np.asarray, torch.as_tensor])
def test_given_distances_are_not_changed(kind):
    qf, gf, *labels = random_case(0)
    distances = distances_between(qf, gf, 'euclidean')
    expected = evaluate(qf, gf, *labels, distance='euclidean', ranks=(1, 7))
    given = kind(distances.copy())
    found = evaluate_distances(given, *labels, ranks=(1, 7))
    assert found == pytest.approx(expected, abs=1e-12)
    np.testing.assert_array_equal(given, distances)


@pytest.mark.parametrize('ignored', [3, np.int64(3), (3,), [3, -1]])
def test_ignored_identities_do_not_count(ignored):
    qf, gf, q_pids, g_pids, *cams = random_case(0)
    found = evaluate(qf, gf, q_pids, g_pids, *cams, ignore_pids=ignored)
    listed = np.atleast_1d(ignored)
    kept = [~np.isin(pids, listed) for pids in (q_pids, g_pids)]
    expected = evaluate(
        *(part[kept[i % 2]] for i, part in enumerate(random_case(0))),
        ignore_pids=(),
    )
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        ({'q_pids': [1]}, r'q_pids.*\(1,\)'),
        ({'q_cams': [1, 1]}, 'g_cams'),
        ({'distance': 'l1'}, 'l1'),
        ({'ranks': (5, 0)}, 'ranks.*0'),
        ({'ranks': (1.5,)}, r'ranks.*1\.5'),
        ({'ties': 'mean'}, "'ties'"),
        ({'rerank': {}}, "'rerank'"),
        ({'gf': np.ones((2, 3))}, '2 and 3'),
        ({'gf': np.ones(2)}, r'gf.*\(2,\)'),
        ({'gf': np.array([[1, 0], [np.nan, 0]])}, r'gf\[1\]'),
        ({'protocol': 'Market'}, "'Market'"),
        ({'protocol': 3}, 'protocol .* got 3'),
        ({'ranks': '5'}, "ranks.*'5'"),
        ({'ranks': 5.0}, r'ranks.*5\.0'),
        ({'ranks': None}, 'ranks.*None'),
        ({'q_pids': [1, np.nan]}, 'q_pids.*row 1 is nan'),
        ({'g_pids': torch.tensor([np.inf, 1])}, 'g_pids.*row 0 is inf'),
    ],
)
def test_bad_arguments_are_named(change, named):
    case = {'qf': np.eye(2), 'gf': np.eye(2)}
    case |= {'q_pids': [1, 2], 'g_pids': [1, 2]} | change
    with pytest.raises(UserError, match=named):
        evaluate(**case)


def test_bad_distances_are_named():
    with pytest.raises(UserError, match=r'g_pids.*\(3,\)'):
        evaluate_distances(np.ones((2, 3)), [1, 2], [1, 2])
    with pytest.raises(UserError, match=r'distances\[1\]'):
        evaluate_distances([[1.0], [np.nan]], [1, 2], [1])
    with pytest.raises(UserError, match="'distance'"):
        evaluate_distances([[1.0]], [1], [1], distance='cosine')


OPTIONS = [
    {},
    {'camera_aware': False, 'distance': 'euclidean'},
    {'ignore_pids': 3, 'ranks': (2, 7), 'fprs': (0.01, 0.2)},
    {'query_expansion': {'k': 3, 'alpha': 2}, 'fprs': (0.1,)},
    {'rerank': {'k1': 6, 'k2': 3}},
    {'rerank': {'k1': 6, 'variant': 'faiss'}, 'query_expansion': {'k': 2}},
    {'protocol': 'CUHK03Protocol'},
    {'protocol': {'type': 'SYSUMM01Protocol', 'num_trials': 3}},
    {'average_tracklets': True},
    {'both_directions': True},
]


def make_features(rows=60, seed=0):
    """Identities that differ, with junk, distractors and equal features."""
    rng = np.random.default_rng(seed)
    pid = np.arange(rows) % 9 - 1
    centers = rng.normal(size=(9, 8))
    feature = centers[pid + 1] + rng.normal(size=(rows, 8))
    feature[40:44] = feature[20:21]
    return ReIDFeatures(
        feature=feature,
        pid=pid,
        cam_id=rng.integers(1, 5, size=rows),
        is_query=np.arange(rows) % 4 == 1,
        img_path=[f'{i}.jpg' for i in range(rows)],
        tracklet_id=np.arange(rows) // 36 * 36 + np.arange(rows) % 36,
    )


def sides(features):
    """Return the arguments of ``evaluate``."""
    query = features.is_query
    columns = (features.feature, features.pid, features.cam_id)
    return [side for c in columns for side in (c[query], c[~query])]


def evaluate_alone_and_together(*sizes):
    """Return the results of all ranks, and on rank 0 also those of it alone.

    Without ``distributed`` a rank must not wait for others.
    """
    alone = None
    if dist.get_rank() == 0:
        alone = [found for n in sizes for found in evaluate_all(n, False)]
    return alone, [found for n in sizes for found in evaluate_all(n, True)]


def evaluate_all(rows, distributed):
    return [
        evaluate_features(
            make_features(rows),
            EvaluationOptions(keep_nearest=4, **options),
            distributed=distributed,
        )
        for options in OPTIONS
    ]


@pytest.mark.parametrize(
    'world_size',
    [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 4))],
)
def test_ranks_give_the_result_of_one(world_size):
    # queries in one block, so that all ranks but one have none, and in four
    ranks = run_on_ranks(
        evaluate_alone_and_together, 60, 3500, world_size=world_size
    )
    alone = ranks[0][0]
    for _, results in ranks:
        for found, expected in zip(results, alone, strict=True):
            assert found.scores == expected.scores
            for name in ('ap', 'num_matches', 'nearest', 'distances', 'cmc'):
                np.testing.assert_array_equal(
                    getattr(found, name), getattr(expected, name)
                )


@pytest.mark.parametrize('options', OPTIONS[:3])
def test_plain_options_are_those_of_evaluate(options):
    features = make_features()
    result = evaluate_features(features, EvaluationOptions(**options))
    names = ('distance', 'ranks', 'ignore_pids')
    known = {k: options[k] for k in names if k in options}
    arguments = sides(features)
    if not options.get('camera_aware', True):
        arguments = arguments[:4]
    expected = evaluate(*arguments, **known)
    assert {k: result.scores[k] for k in expected} == pytest.approx(expected)


def test_unknown_cameras_do_not_ignore_anything():
    features = make_features()
    features.cam_id[:] = -1
    found = evaluate_features(features).scores
    assert found == evaluate(*sides(features)[:4])


def test_junk_takes_no_part_in_expansion_and_reranking():
    features = make_features()
    options = {'query_expansion': {'k': 3}, 'rerank': {'k1': 6, 'k2': 3}}
    found = evaluate_features(
        features, EvaluationOptions(keep_nearest=5, **options)
    )
    valid = features.take(np.flatnonzero(features.pid != -1))
    qf, gf, *labels = sides(valid)
    expanded = alpha_query_expansion(qf, gf, 3)
    unit = gf / np.linalg.norm(gf, axis=1, keepdims=True)
    distances = rerank(expanded, unit, k1=6, k2=3)
    expected = evaluate_distances(distances, *labels)
    for name, value in expected.items():
        assert found.scores[name] == pytest.approx(value, abs=1e-4)
    assert (features.pid[found.nearest] != -1).all()


def test_true_positive_rates_are_those_of_the_curve():
    features = make_features()
    result = evaluate_features(features, EvaluationOptions(fprs=(0.1,)))
    curve = roc_curve(*sides(features))
    assert result.scores['TPR@FPR=0.1'] == curve.tpr_at(0.1) > 0.1
    np.testing.assert_array_equal(result.roc.tpr, curve.tpr)
    np.testing.assert_array_equal(result.roc.fpr, curve.fpr)
    reranked = EvaluationOptions(fprs=(0.1,), rerank={'k1': 6, 'k2': 3})
    scores = evaluate_features(features, reranked).scores
    assert scores['TPR@FPR=0.1'] == curve.tpr_at(0.1)


def test_nearest_images_are_not_ignored_ones():
    features = make_features()
    result = evaluate_features(
        features, EvaluationOptions(keep_nearest=5, distance='euclidean')
    )
    gallery = np.flatnonzero(~features.is_query & (features.pid != -1))
    for query, rows, near in zip(
        result.query_rows, result.nearest, result.distances, strict=True
    ):
        same = features.pid[gallery] == features.pid[query]
        same &= features.cam_id[gallery] == features.cam_id[query]
        counts = gallery[~same]
        away = features.feature[counts] - features.feature[query]
        expected = np.sort(np.linalg.norm(away, axis=1))[:5]
        np.testing.assert_allclose(near, expected, atol=5e-3)
        away = features.feature[rows] - features.feature[query]
        np.testing.assert_allclose(
            np.linalg.norm(away, axis=1), near, atol=5e-3
        )
        assert set(rows) <= set(counts)
    assert result.cmc.shape == (50,)
    assert result.cmc[[0, 4, 9]].tolist() == [
        result.scores[f'Rank-{rank}'] for rank in (1, 5, 10)
    ]


def test_gallery_images_are_queries_in_the_other_direction():
    features = make_features()
    scores = evaluate_features(
        features, EvaluationOptions(both_directions=True)
    ).scores
    turned = dataclasses.replace(features, is_query=~features.is_query)
    forth, back = evaluate(*sides(features)), evaluate(*sides(turned))
    assert forth['mAP'] != back['mAP']
    assert scores == pytest.approx(
        {**forth, **{f'reverse/{name}': v for name, v in back.items()}}
    )


def test_tracklets_are_ranked_by_their_means():
    features = make_features()
    result = evaluate_features(
        features, EvaluationOptions(average_tracklets=True)
    )
    assert result.unit == 'tracklet'
    expected = evaluate(*sides(features.tracklet_means()))
    assert result.scores == pytest.approx(expected)
    features.tracklet_id[7] = -1
    with pytest.raises(UserError, match=r'7\.jpg'):
        evaluate_features(features, EvaluationOptions(average_tracklets=True))


def test_no_gallery_is_refused():
    features = make_features()
    features.is_query[:] = True
    with pytest.raises(UserError, match='no gallery image'):
        evaluate_features(features)


def test_row_of_the_file_is_named():
    features = make_features()
    row = int(np.flatnonzero(~features.is_query)[3])
    features.feature[row] = 0
    with pytest.raises(UserError, match=rf'feature\[{row}\] is zero'):
        evaluate_features(features)


def test_labels_are_checked_without_features():
    columns = [
        np.array(x) for x in ([1, 2, 1], [0, 0, 0], [True, True, False])
    ]
    check_labels(*columns, EvaluationOptions(camera_aware=False))
    with pytest.raises(UserError, match='camera_aware=False'):
        check_labels(*columns, EvaluationOptions())
    with pytest.raises(UserError, match='no query image'):
        check_labels(*columns, EvaluationOptions(ignore_pids=(1, 2)))


def test_result_has_the_options_of_its_scores():
    features = make_features()
    options = EvaluationOptions(rerank={'k1': 7}, fprs=0.1, keep_nearest=3)
    found = evaluate_features(features, options).options
    assert found['rerank']['k1'] == 7
    assert found['rerank']['k2'] == 6
    assert found['protocol'] == 'MarketProtocol()'
    assert found['camera_aware']
    json.dumps(found)
    # without cameras the rule cannot apply
    features.cam_id[:] = -1
    assert not evaluate_features(features, options).options['camera_aware']
