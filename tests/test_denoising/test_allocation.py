import numpy as np
import pytest

from mmcion.denoising.functional import accept, nearest_identity
from mmcion.structures import Csr

from .planted import angles, centroid, unit

AXES = np.concatenate((np.eye(3), -np.eye(3)))  # exact inner products


def to_csr(lists):
    ptr = np.cumsum([0, *map(len, lists)])
    return Csr(ptr, np.array([x for some in lists for x in some], np.int64))


def random_lists(rng, num, values, most):
    return [
        rng.permutation(values)[: rng.integers(0, most + 1)].tolist()
        for _ in range(num)
    ]


def nearest(feats, centroids, candidates, video, forbidden, frame):
    """Candidates are a list per video, forbidden one per frame."""
    ptr, values = to_csr(candidates)
    return nearest_identity(
        *(feats, centroids, values, ptr[video], ptr[video + 1]),
        *(to_csr(forbidden), frame),
    )


def nearest_by_brute_force(
    feats, centroids, candidates, video, forbidden, frame
):
    found = []
    for row, feat in enumerate(feats):
        options = [
            (1 - float(feat.astype(np.float64) @ centroids[k]), order, k)
            for order, k in enumerate(candidates[video[row]])
            if k not in forbidden[frame[row]]
        ]
        options = sorted(options) + 2 * [(np.inf, 0, -1)]
        found.append((options[0][2], options[0][0], options[1][0]))
    return zip(*found, strict=True)


@pytest.mark.parametrize('ties', [False, True])
@pytest.mark.parametrize('seed', range(15))
def test_nearest_identity_equals_brute_force(seed, ties):
    rng = np.random.default_rng(seed)
    rows, num, videos, frames = 40, 9, 4, 6
    feats, centroids = (
        AXES[rng.integers(0, 6, count)]
        if ties
        else unit(rng.normal(size=(count, 3)))
        for count in (rows, num)
    )
    feats = feats.astype(np.float32)
    # candidates in no order of their numbers; empty lists occur
    candidates = random_lists(rng, videos, num, num)
    forbidden = random_lists(rng, frames, num, 3)
    video = rng.integers(0, videos, rows)
    frame = rng.integers(0, frames, rows)

    found, distance, second = nearest(
        feats, centroids, candidates, video, forbidden, frame
    )

    wanted, first, next_one = nearest_by_brute_force(
        feats, centroids, candidates, video, forbidden, frame
    )
    assert tuple(found.tolist()) == wanted
    np.testing.assert_allclose(distance, first, atol=1e-12)
    np.testing.assert_allclose(second, next_one, atol=1e-12)


def test_second_nearest_is_one_that_is_allowed():
    feats = angles(0).astype(np.float32)
    video = frame = np.zeros(1, np.int64)
    centroids = angles(10, 5, 40, 20)
    found, distance, second = nearest(
        feats, centroids, [[0, 1, 2]], video, [[1]], frame
    )
    assert found.tolist() == [0]
    assert distance[0] == pytest.approx(1 - np.cos(np.radians(10)))
    assert second[0] == pytest.approx(1 - np.cos(np.radians(40)))


def test_equally_near_identity_is_the_second():
    feats = angles(0).astype(np.float32)
    video = frame = np.zeros(1, np.int64)
    found, distance, second = nearest(
        feats, angles(30, 30), [[1, 0]], video, [[]], frame
    )
    assert found.tolist() == [1]
    assert distance == second


def test_no_identity_allowed_and_no_rows():
    feats, none = np.eye(2, dtype=np.float32), np.zeros(2, np.int64)
    found = nearest(feats, np.eye(2), [[]], none, [[]], none)
    assert found[0].tolist() == [-1, -1]
    assert np.isinf(found[1]).all()
    assert np.isinf(found[2]).all()
    found = nearest(
        feats[:0], np.zeros((0, 2)), [[]], none[:0], [[]], none[:0]
    )
    assert [len(part) for part in found] == [0, 0, 0]


def accept_by_brute_force(
    feats, frame, members, proposals, sigma, exclude_cooccurring
):
    accepted = []
    for own, proposed in zip(members, proposals, strict=True):
        rows = list(own)
        for row in proposed:
            union = feats[[*rows, row]].astype(np.float64)
            fits = (1 - union @ centroid(union)).max() <= sigma + 1e-12
            same = frame[row] in frame[rows] and exclude_cooccurring
            accepted.append(bool(fits and not same))
            rows += [row] * accepted[-1]
    return accepted


@pytest.mark.parametrize('exclude', [True, False])
@pytest.mark.parametrize('seed', range(15))
def test_accept_equals_brute_force(seed, exclude):
    rng = np.random.default_rng(seed)
    num, rows = 6, 120
    look = rng.integers(0, num, rows)
    feats = unit(
        rng.normal(size=(num, 5))[look] + rng.normal(0, 0.4, (rows, 5))
    ).astype(np.float32)
    feats[1::9] = feats[::9][: len(feats[1::9])]  # equal rows
    frame = rng.integers(0, 60, rows)
    pooled = rng.random(rows) < 0.7
    members = [np.flatnonzero((look == k) & ~pooled)[:4] for k in range(num)]
    proposals = [
        rng.permutation(np.flatnonzero((look == k) & pooled))
        for k in range(num)
    ]
    members[0], proposals[1] = [], []
    results = []
    for sigma in (0.05, 0.2, 0.4):
        case = (sigma, exclude)
        accepted = accept(
            feats, frame, to_csr(members), to_csr(proposals), *case
        )
        assert accepted.tolist() == accept_by_brute_force(
            feats, frame, members, proposals, *case
        )
        results += accepted.tolist()
    assert 0.1 < np.mean(results) < 0.9


def test_sigma_is_inclusive():
    # exact numbers: both lie at 0.2 from the centroid (1, 0)
    feats = np.array([[0.8, 0.6], [0.8, -0.6]], np.float32)
    radius = 1 - float(feats[0, 0]) / np.linalg.norm(feats[0].astype(float))
    frame, members, proposals = np.arange(2), to_csr([[0]]), to_csr([[1]])
    for sigma, fits in ((radius + 1e-7, True), (radius - 1e-7, False)):
        found = accept(feats, frame, members, proposals, sigma, True)
        assert found == [fits]


def test_opposite_row_is_at_distance_one():
    feats = np.array([[1, 0], [-1, 0]], np.float32)
    frame, members, proposals = np.arange(2), to_csr([[0]]), to_csr([[1]])
    for sigma, fits in ((0.99, False), (1.0, True)):
        found = accept(feats, frame, members, proposals, sigma, True)
        assert found == [fits]


def test_an_accepted_row_forbids_the_next_of_its_frame():
    feats = np.ones((3, 1), np.float32)
    case = (
        feats,
        np.array([0, 5, 5]),
        to_csr([[0]]),
        to_csr([[2, 1]]),
    )
    assert accept(*case, 1.0, True).tolist() == [True, False]
    assert accept(*case, 1.0, False).all()


def test_nothing_is_proposed():
    feats, nothing = np.ones((1, 1), np.float32), to_csr([[], []])
    frame = np.zeros(1, np.int64)
    for members in (to_csr([[0], []]), nothing):
        found = accept(feats, frame, members, nothing, 1.0, True)
        assert found.shape == (0,)
