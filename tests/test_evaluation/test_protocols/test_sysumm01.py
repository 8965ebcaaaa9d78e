import random

import numpy as np
import pytest

from mmcion.evaluation import (
    SYSUMM01Protocol,
    evaluate,
    evaluate_distances,
)
from mmcion.evaluation.protocols import Labels
from mmcion.utils.checks import UserError


def test_duplicates_of_a_wrong_identity_do_not_lower_cmc():
    # identity 2 twice, then identity 3, then the match
    scores = evaluate_distances(
        [[4, 1, 2, 3]],
        *([1], [1, 2, 2, 3], [6], [1, 1, 2, 1]),
        ranks=(1, 2, 3),
        protocol=SYSUMM01Protocol(num_trials=1),
    )
    assert [scores[f'Rank-{k}'] for k in (1, 2, 3)] == [0, 0, 1]
    assert scores['mAP'] == scores['mINP'] == 1 / 4


def test_query_of_camera_3_does_not_see_camera_2():
    distances = [[1, 0, 2, 3], [1, 0, 2, 3]]
    labels = ([1, 1], [1, 1, 2, 3], [3, 6], [1, 2, 2, 4])
    one = SYSUMM01Protocol(num_trials=1)
    scores = evaluate_distances(distances, *labels, protocol=one)
    assert scores['mAP'] == 1
    # the wrong image of camera 2 is nearest to both
    labels = ([1, 1], [1, 3, 2, 3], [3, 6], [1, 2, 2, 4])
    scores = evaluate_distances(distances, *labels, protocol=one)
    assert scores['mAP'] == pytest.approx((1 + 1 / 2) / 2)
    assert scores['Rank-1'] == 1 / 2
    labels = ([1, 1], [3, 1, 2, 3], [3, 6], [1, 2, 2, 4])
    scores = evaluate_distances(distances, *labels, protocol=one)
    assert (scores['num_queries'], scores['num_valid_queries']) == (2, 1)


def make_gallery():
    """Return labels sorted by identity and camera, images in file order."""
    rng = np.random.default_rng(0)
    keys = [
        (pid, cam)
        for pid in (6, 10, 21)
        for cam in (1, 2, 4, 5)
        if (pid, cam) != (10, 4)
        for _ in range(rng.integers(1, 20))
    ]
    pids, cams = np.array(keys).T
    return Labels(np.array([6, 10]), pids, np.array([3, 6]), cams)


def reference_draw(labels, cameras, trial, shots):
    """Draw as the public Python code does, over lists of files."""
    files = {}
    for row, key in enumerate(zip(labels.g_pids, labels.g_cams, strict=True)):
        files.setdefault(key, []).append(row)
    random.seed(trial)
    drawn = []
    for pid in sorted(set(labels.g_pids)):
        for camera in cameras:
            if (pid, camera) not in files:
                continue
            names = files[pid, camera]
            if shots == 1:
                drawn.append(random.choice(names))
            else:
                drawn += random.sample(names, min(shots, len(names)))
    return drawn


@pytest.mark.parametrize(
    ('mode', 'cameras'), [('all', (1, 2, 4, 5)), ('indoor', (1, 2))]
)
@pytest.mark.parametrize('shots', [1, 10])
def test_galleries_are_those_of_the_public_code(mode, cameras, shots):
    labels = make_gallery()
    splits = SYSUMM01Protocol(mode, shots).splits(labels)
    assert len(splits) == 10
    for trial, split in enumerate(splits):
        drawn = reference_draw(labels, cameras, trial, shots)
        assert split.gallery.tolist() == drawn
        assert split.pids.tolist() == labels.g_pids[drawn].tolist()
    if shots == 1:
        size = 11 if mode == 'all' else 6
        assert {len(split.gallery) for split in splits} == {size}
    assert len({tuple(split.gallery) for split in splits}) > 1


@pytest.mark.parametrize('shots', [1, 10])
def test_score_is_the_mean_over_galleries(shots):
    labels = make_gallery()
    rng = np.random.default_rng(1)
    qf, gf = rng.normal(size=(2, 5)), rng.normal(size=(len(labels.g_pids), 5))
    protocol = SYSUMM01Protocol(shots=shots)
    found = evaluate(qf, gf, *labels, protocol=protocol)
    assert found == evaluate(qf, gf, *labels, protocol=protocol)
    single = []
    for split in protocol.splits(labels):
        keep = [np.isin(np.arange(len(gf)), split.gallery)] * 2
        keep[0] = keep[0] & (labels.g_cams != 2)  # the query of camera 3
        for query in range(2):
            counts = np.flatnonzero(keep[query])
            scores = evaluate(
                *(qf[query, None], gf[counts]),
                *(labels.q_pids[query, None], labels.g_pids[counts]),
            )
            single.append(scores['mAP'])
    assert found['mAP'] == pytest.approx(np.mean(single), abs=1e-12)


def brute_force_cmc(distances, labels, ranks):
    """Rank every identity by its nearest image; wrong ones first if tied."""
    hits = []
    for query, pid in enumerate(labels.q_pids):
        nearest = {}
        for row, other in enumerate(labels.g_pids):
            same_room = labels.q_cams[query] == 3 and labels.g_cams[row] == 2
            if other != -1 and not same_room:
                near = min(nearest.get(other, np.inf), distances[query, row])
                nearest[other] = near
        if pid in nearest:
            order = sorted(nearest, key=lambda p: (nearest[p], p == pid))
            hits.append([order.index(pid) < rank for rank in ranks])
    return np.mean(hits, axis=0)


@pytest.mark.parametrize('levels', [3, 1000])
@pytest.mark.parametrize('seed', range(4))
def test_cmc_equals_brute_force(seed, levels):
    rng = np.random.default_rng(seed)
    labels = Labels(
        rng.integers(6, size=20),
        np.repeat(np.arange(-1, 5), 12),
        rng.choice([3, 6], 20),
        np.tile([1, 2, 4, 5], 18),
    )
    distances = rng.integers(levels, size=(20, 72)) / levels
    # every image of a camera and identity is drawn: one gallery, no chance
    protocol = SYSUMM01Protocol(shots=10, num_trials=1)
    found = evaluate_distances(
        distances, *labels, ranks=(1, 2, 3), protocol=protocol
    )
    expected = brute_force_cmc(distances, labels, (1, 2, 3))
    assert [found[f'Rank-{k}'] for k in (1, 2, 3)] == pytest.approx(expected)


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'mode': 'outdoor'}, "'outdoor'"),
        ({'shots': 0}, 'shots.*0'),
        ({'num_trials': 1.5}, r'num_trials.*1\.5'),
    ],
)
def test_wrong_options_are_named(options, named):
    with pytest.raises(UserError, match=named):
        SYSUMM01Protocol(**options)


def test_cameras_are_needed():
    labels = make_gallery()
    with pytest.raises(UserError, match=r'\(1, 2, 4, 5\); got \[None\]'):
        SYSUMM01Protocol().splits(labels._replace(q_cams=None, g_cams=None))
    outdoor = labels._replace(g_cams=np.full(len(labels.g_cams), 4))
    with pytest.raises(UserError, match=r"'indoor'.*\[4\]"):
        SYSUMM01Protocol('indoor').splits(outdoor)
