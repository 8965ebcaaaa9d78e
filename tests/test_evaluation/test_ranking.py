import itertools

import numpy as np
import pytest
import torch

from mmcion.evaluation import evaluate, evaluate_distances

KEYS = ('mAP', 'mINP', 'Rank-1', 'Rank-5', 'Rank-10')


def scores_of_order(match):
    """AP, INP and hits of one ranked list, by their definitions."""
    ranks = np.flatnonzero(match) + 1
    precision = [(i + 1) / rank for i, rank in enumerate(ranks)]
    hits = [float(ranks[0] <= k) for k in (1, 5, 10)]
    return [np.mean(precision), len(ranks) / ranks[-1], *hits]


def all_orders(distance):
    """Every order of the gallery that its distances allow."""
    levels = [np.flatnonzero(distance == d) for d in np.unique(distance)]
    for parts in itertools.product(*map(itertools.permutations, levels)):
        yield np.concatenate(parts).astype(int)


def brute_force(qf, gf, q_pids, g_pids, q_cams, g_cams):
    unit = [f / np.linalg.norm(f, axis=1, keepdims=True) for f in (qf, gf)]
    distances = np.round(1 - unit[0] @ unit[1].T, 9)
    scores = []
    for q, pid in enumerate(q_pids):
        counts = g_pids != -1
        if q_cams is not None:
            counts &= ~((g_pids == pid) & (g_cams == q_cams[q]))
        match = (g_pids == pid)[counts]
        if pid != -1 and match.any():
            orders = all_orders(distances[q][counts])
            scores.append(
                np.mean([scores_of_order(match[o]) for o in orders], axis=0)
            )
    return dict(zip(KEYS, np.mean(scores, axis=0), strict=True)), len(scores)


@pytest.mark.parametrize('cameras', [True, False])
@pytest.mark.parametrize('seed', range(6))
def test_equals_mean_over_all_tie_orders(seed, cameras):
    rng = np.random.default_rng(seed)
    levels = rng.standard_normal((5, 4))
    qf, gf = levels[rng.integers(5, size=6)], levels[rng.integers(5, size=9)]
    q_pids = np.array([0, 1, 2, 3, -1, 9])  # 9 has no match, -1 is junk
    g_pids = rng.integers(-1, 4, size=9)
    g_pids[:4] = [1, 2, 3, 0]
    q_cams = g_cams = None
    if cameras:
        q_cams, g_cams = np.zeros(6, int), rng.integers(2, size=9)
        g_cams[0] = 1

    result = evaluate(qf, gf, q_pids, g_pids, q_cams, g_cams)

    expected, valid = brute_force(qf, gf, q_pids, g_pids, q_cams, g_cams)
    for key in KEYS:
        assert result[key] == pytest.approx(expected[key], abs=1e-12)
    assert result['num_valid_queries'] == valid
    assert result['num_queries'] == 5


def random_case(seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((30, 16))
    q_pids, g_pids = rng.integers(-1, 30, 700), rng.integers(-1, 35, 900)
    qf = centers[q_pids] + 2 * rng.standard_normal((700, 16))
    gf = centers[g_pids % 30] + 2 * rng.standard_normal((900, 16))
    cams = rng.integers(4, size=700), rng.integers(4, size=900)
    return qf.astype(dtype), gf.astype(dtype), q_pids, g_pids, *cams


@pytest.mark.parametrize('seed', range(3))
def test_equals_brute_force_over_several_chunks(seed):
    case = random_case(seed)
    expected, valid = brute_force(*case)
    result = evaluate(*case)
    for key in KEYS:
        assert result[key] == pytest.approx(expected[key], abs=1e-12)
    assert result['num_valid_queries'] == valid
    assert result['num_tied_queries'] == 0


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('ties', ['mean', 'pessimistic'])
def test_order_of_the_gallery_changes_nothing(dtype, ties):
    qf, gf, q_pids, g_pids, q_cams, g_cams = random_case(0, dtype)
    gf[100:500] = gf[:400]  # equal images, often of other people
    order = np.random.default_rng(1).permutation(len(gf))

    before = evaluate(qf, gf, q_pids, g_pids, q_cams, g_cams, ties=ties)
    after = evaluate(
        qf, gf[order], q_pids, g_pids[order], q_cams, g_cams[order], ties=ties
    )

    assert before['num_tied_queries'] > 100
    assert after == pytest.approx(before, abs=1e-12)


def angles(*degrees):
    radians = np.deg2rad(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def test_hand_computed_case_with_junk_and_distractors():
    # nearest first: same camera (out), distractor, match, junk (out),
    # wrong, match -> counted list 0 1 0 1
    gf = angles(1, 2, 3, 4, 5, 6)
    g_pids, g_cams = [7, 0, 7, -1, 8, 7], [1, 2, 2, 2, 2, 3]
    result = evaluate(angles(0), gf, [7], g_pids, [1], g_cams)
    assert result['mAP'] == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert result['mINP'] == pytest.approx(2 / 4)
    assert (result['Rank-1'], result['Rank-5']) == (0, 1)


def test_all_features_equal():
    # one match among four: every place equally likely
    ones = np.ones((4, 3))
    mean = evaluate(ones[:1], ones, [1], [0, 0, 1, 0])
    worst = evaluate(ones[:1], ones, [1], [0, 0, 1, 0], ties='pessimistic')
    assert mean['mAP'] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert mean['Rank-1'] == pytest.approx(1 / 4)
    assert worst['mAP'] == pytest.approx(1 / 4)
    assert worst['Rank-1'] == 0
    assert mean['num_tied_queries'] == worst['num_tied_queries'] == 1


def test_tensors_and_unnormalised_features_give_the_same():
    case = random_case(3, np.float32)
    tensors = [torch.from_numpy(np.asarray(part)) for part in case]
    tensors[1] = tensors[1] * 7
    assert evaluate(*tensors) == pytest.approx(evaluate(*case), abs=1e-6)


def test_euclidean_sees_lengths_that_cosine_does_not():
    qf, gf = np.array([[1.0, 0.0]]), np.array([[9.0, 0.0], [1.0, 0.1]])
    cosine = evaluate(qf, gf, [1], [1, 0])
    euclidean = evaluate(qf, gf, [1], [1, 0], distance='euclidean')
    assert (cosine['Rank-1'], euclidean['Rank-1']) == (1, 0)


def test_only_the_metrics_asked_for():
    result = evaluate(*random_case(0), metrics=('mAP',))
    assert 'mAP' in result
    assert not {'mINP', 'Rank-1'} & set(result)


def test_any_rank():
    qf, gf = angles(0), angles(1, 2, 3, 4)
    result = evaluate(qf, gf, [7], [1, 2, 7, 7], ranks=(2, 3, 50))
    hits = {key: value for key, value in result.items() if 'Rank' in key}
    assert hits == {'Rank-2': 0, 'Rank-3': 1, 'Rank-50': 1}


@pytest.mark.parametrize('kind', [np.asarray, torch.as_tensor])
@pytest.mark.parametrize('ties', ['mean', 'pessimistic'])
def test_distances_that_are_there_already(ties, kind):
    qf, gf, *labels = random_case(0)
    gf[100:500] = gf[:400]
    distances = ((qf[:, None] - gf[None]) ** 2).sum(axis=2)
    options = {'ties': ties, 'ranks': (1, 7)}
    expected = evaluate(qf, gf, *labels, distance='euclidean', **options)
    given = kind(distances.copy())
    found = evaluate_distances(given, *labels, **options)
    assert found == pytest.approx(expected, abs=1e-12)
    np.testing.assert_array_equal(given, distances)


def test_distances_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r'g_pids must hold .* \(3,\)'):
        evaluate_distances(np.ones((2, 3)), [1, 2], [1, 2])
    with pytest.raises(ValueError, match='distances row 1 holds NaN'):
        evaluate_distances([[1.0], [np.nan]], [1, 2], [1])
    with pytest.raises(ValueError) as error:
        evaluate_distances([[1.0], [np.inf]], [1, 2], [1])
    assert 'Distances must be finite' in str(error.value)
    assert 'eature' not in str(error.value)
    with pytest.raises(ValueError, match=r'distances must be \(Q, G\)'):
        evaluate_distances([1.0], [1], [1])


@pytest.mark.parametrize('side', [0, 1])
@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(side, value):
    case = list(random_case(0))
    case[side][613, 3] = value
    with pytest.raises(ValueError, match=f'{"qg"[side]}f row 613'):
        evaluate(*case)


@pytest.mark.parametrize(
    ('q_pids', 'g_pids', 'cams', 'cause'),
    [
        ([1, 2], [1, 2], [0, 0], 'only in the camera of its query'),
        ([1, 2], [3, 4], [0, 0], 'none of the 2 query identities'),
        ([-1, -1], [1, 2], None, 'none of 2 queries'),
        ([1, 2], [-1, -1], None, 'none of 2 gallery images'),
        ([1, 2], [], None, 'none of 0 gallery images'),
        ([], [1, 2], None, 'none of 0 queries'),
    ],
)
def test_no_valid_query_warns_and_is_zero(
    q_pids, g_pids, cams, cause, monkeypatch
):
    said = []
    monkeypatch.setattr(
        'mmcion.evaluation.functional.ranking.print_log',
        lambda text, **_: said.append(text),
    )
    features = np.eye(2)
    result = evaluate(
        features[: len(q_pids)],
        features[: len(g_pids)],
        q_pids,
        g_pids,
        cams,
        cams,
    )
    assert result['num_valid_queries'] == 0
    assert [result[key] for key in KEYS] == [0] * 5
    assert len(said) == 1
    assert cause in said[0]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'q_pids': [1]}, r'q_pids must hold one value .* \(2,\)'),
        ({'q_cams': [1, 1]}, 'for queries and gallery, or for neither'),
        ({'ties': 'best'}, "ties must be one of .* got 'best'"),
        ({'distance': 'l1'}, "distance must be one of .* got 'l1'"),
        ({'ranks': (5, 0)}, r'ranks must be whole .* got \(5, 0\)'),
        ({'ranks': 5}, r'ranks must be .* such as \(1, 5, 10\); got 5'),
        ({'ranks': (1.5,)}, r'ranks must be whole .* got \(1\.5,\)'),
        ({'metrics': ('map',)}, r"metrics must be among .* \['map'\]"),
        ({'gf': np.ones((2, 3))}, 'differ in size: 2 and 3'),
        ({'gf': np.ones(2)}, r'gf must be \(N, D\)'),
    ],
)
def test_bad_arguments_are_named(change, message):
    case = {'qf': np.eye(2), 'gf': np.eye(2)}
    case |= {'q_pids': [1, 2], 'g_pids': [1, 2]} | change
    with pytest.raises(ValueError, match=message):
        evaluate(**case)


def test_one_identity_to_ignore_may_be_a_number():
    qf, gf, *labels = random_case(0)
    expected = evaluate(qf, gf, *labels, ignore_pids=(-1,))
    for ignored in (-1, np.int64(-1)):
        assert evaluate(qf, gf, *labels, ignore_pids=ignored) == expected


@pytest.mark.parametrize('side', [0, 1])
def test_features_whose_squares_overflow_are_refused(side):
    case = list(random_case(0))
    case[:2] = [f.astype(np.float32) for f in case[:2]]
    cosine = evaluate(*case)
    case[side] = case[side] * np.float32(1e30)
    with pytest.raises(ValueError, match='overflow; normalise them first'):
        evaluate(*case, distance='euclidean')
    assert evaluate(*case)['mAP'] == pytest.approx(cosine['mAP'])
