import dataclasses

import numpy as np
import pytest

from mmcion.evaluation import (
    EvaluationOptions,
    alpha_query_expansion,
    evaluate,
    evaluate_distances,
    evaluate_features,
    rerank,
    roc_curve,
)
from mmcion.structures import ReIDFeatures
from mmcion.utils.rank_share import RankShare

from ..dist_utils import run_on_ranks

SYSU = {'type': 'SYSUMM01Protocol', 'num_trials': 3}
OPTIONS = [
    {},
    {'camera_aware': False, 'distance': 'euclidean', 'ties': 'pessimistic'},
    {'ignore_pids': 3, 'ranks': (2, 7), 'fprs': (0.01, 0.2)},
    {'query_expansion': {'k': 3, 'alpha': 2}, 'fprs': (0.1,)},
    {'rerank': {'k1': 6, 'k2': 3}},
    {'rerank': {'k1': 6, 'variant': 'faiss'}, 'query_expansion': {'k': 2}},
    {'protocol': 'CUHK03Protocol'},
    {'protocol': SYSU},
    {'average_tracklets': True},
    {'both_directions': True},
]


def make_features(rows=60, seed=0):
    """Draw people who differ, with junk, distractors and tied features."""
    rng = np.random.default_rng(seed)
    pid = np.arange(rows) % 9 - 1
    centre = rng.normal(size=(9, 8))
    feature = centre[pid + 1] + rng.normal(size=(rows, 8))
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
    """Return what ``evaluate`` takes."""
    query = features.is_query
    columns = (features.feature, features.pid, features.cam_id)
    return [side for c in columns for side in (c[query], c[~query])]


def all_scores():
    share = RankShare.of_process_group()
    features = make_features()
    return [
        evaluate_features(
            features, EvaluationOptions(keep_nearest=4, **options), share
        )
        for options in OPTIONS
    ]


def test_three_ranks_give_the_numbers_of_one():
    alone = all_scores()
    for results in run_on_ranks(all_scores, world_size=3):
        for found, expected in zip(results, alone, strict=True):
            assert found.scores == pytest.approx(expected.scores, abs=1e-12)
            for name in ('query_rows', 'ap', 'num_matches', 'cmc'):
                np.testing.assert_allclose(
                    getattr(found, name), getattr(expected, name), atol=1e-12
                )
            # equally near images may swap places
            np.testing.assert_allclose(
                found.distances, expected.distances, atol=5e-3
            )


@pytest.mark.parametrize('options', OPTIONS[:3])
def test_plain_options_are_those_of_evaluate(options):
    features = make_features()
    result = evaluate_features(features, EvaluationOptions(**options))
    known = {k: v for k, v in options.items() if k in ('distance', 'ties')}
    known |= {k: options[k] for k in ('ranks', 'ignore_pids') if k in options}
    arguments = sides(features)
    if not options.get('camera_aware', True):
        arguments = arguments[:4]
    expected = evaluate(*arguments, **known)
    assert {k: result.scores[k] for k in expected} == expected


def without_junk(features):
    return features.take(np.flatnonzero(features.pid != -1))


def test_junk_takes_no_part_in_expansion_and_reranking():
    features = make_features()
    options = {'query_expansion': {'k': 3}, 'rerank': {'k1': 6, 'k2': 3}}
    found = evaluate_features(features, EvaluationOptions(**options))
    qf, gf, *labels = sides(without_junk(features))
    expanded = alpha_query_expansion(qf, gf, 3)
    unit = gf / np.linalg.norm(gf, axis=1, keepdims=True)
    distances = rerank(expanded, unit, k1=6, k2=3)
    expected = evaluate_distances(distances, *labels)
    assert found.scores == pytest.approx(expected, abs=1e-6)
    assert (features.pid[found.nearest] != -1).all()


def test_true_positive_rates_are_those_of_the_curve():
    features = make_features()
    result = evaluate_features(
        features, EvaluationOptions(fprs=(0.1,), keep_nearest=1)
    )
    curve = roc_curve(*sides(features))
    assert result.scores['TPR@FPR=0.1'] == curve.tpr_at(0.1) > 0.1
    np.testing.assert_array_equal(result.roc['tpr'], curve.tpr)
    np.testing.assert_array_equal(result.roc['fpr'], curve.fpr)


def test_nearest_images_are_those_that_count():
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


def test_places_without_an_image_are_marked():
    features = make_features(rows=8)
    result = evaluate_features(features, EvaluationOptions(keep_nearest=10))
    assert result.nearest.shape == (2, 10)
    assert (result.nearest[:, 6:] == -1).all()
    assert np.isinf(result.distances[result.nearest == -1]).all()


def test_gallery_asks_in_the_other_direction():
    features = make_features()
    scores = evaluate_features(
        features, EvaluationOptions(both_directions=True)
    ).scores
    turned = dataclasses.replace(features, is_query=~features.is_query)
    forth, back = evaluate(*sides(features)), evaluate(*sides(turned))
    assert forth != back
    assert scores == {
        **forth,
        **{f'reverse/{name}': value for name, value in back.items()},
    }


def test_tracklets_are_ranked_by_their_means():
    features = make_features()
    result = evaluate_features(
        features, EvaluationOptions(average_tracklets=True)
    )
    assert result.unit == 'tracklet'
    expected = evaluate(*sides(features.tracklet_means()))
    assert result.scores == expected


def test_images_of_no_tracklet_are_named():
    features = make_features()
    features.tracklet_id[7] = -1
    with pytest.raises(ValueError, match=r'1 of 60 images.*such as 7\.jpg'):
        evaluate_features(features, EvaluationOptions(average_tracklets=True))


def test_no_gallery_is_reported(caplog):
    features = make_features()
    features.is_query[:] = True
    result = evaluate_features(features, EvaluationOptions(keep_nearest=2))
    assert result.scores['mAP'] == 0
    assert result.scores['num_valid_queries'] == 0
