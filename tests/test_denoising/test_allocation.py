import numpy as np
import pytest

from mmcion.denoising.functional import admit, csr, nearest_identity

from .planted import angles, centroid, unit

AXES = np.concatenate((np.eye(3), -np.eye(3)))  # exact inner products


def to_csr(lists):
    ptr = np.cumsum([0, *map(len, lists)])
    return ptr, np.array([x for some in lists for x in some], np.int64)


def random_lists(rng, num, values, most):
    return [
        rng.permutation(values)[: rng.integers(0, most + 1)].tolist()
        for _ in range(num)
    ]


def nearest_by_brute_force(
    feats, centroids, candidates, place, forbidden, moment
):
    found = []
    for row, feat in enumerate(feats):
        options = [
            (1 - float(feat.astype(np.float64) @ centroids[k]), order, k)
            for order, k in enumerate(candidates[place[row]])
            if k not in forbidden[moment[row]]
        ]
        options = sorted(options) + 2 * [(np.inf, 0, -1)]
        found.append((options[0][2], options[0][0], options[1][0]))
    return zip(*found, strict=True)


@pytest.mark.parametrize('ties', [False, True])
@pytest.mark.parametrize('seed', range(15))
def test_nearest_identity_equals_brute_force(seed, ties):
    rng = np.random.default_rng(seed)
    rows, num, places, moments = 40, 9, 4, 6
    feats, centroids = (
        AXES[rng.integers(0, 6, count)]
        if ties
        else unit(rng.normal(size=(count, 3)))
        for count in (rows, num)
    )
    feats = feats.astype(np.float32)
    # candidates in no order of their numbers; empty lists occur
    candidates = random_lists(rng, places, num, num)
    forbidden = random_lists(rng, moments, num, 3)
    place = rng.integers(0, places, rows)
    moment = rng.integers(0, moments, rows)

    nearest, distance, second = nearest_identity(
        feats, centroids, to_csr(candidates), place, to_csr(forbidden), moment
    )

    wanted, first, next_one = nearest_by_brute_force(
        feats, centroids, candidates, place, forbidden, moment
    )
    assert tuple(nearest.tolist()) == wanted
    np.testing.assert_allclose(distance, first, atol=1e-12)
    np.testing.assert_allclose(second, next_one, atol=1e-12)


def test_second_nearest_is_one_that_is_allowed():
    feats = angles(0).astype(np.float32)
    place = moment = np.zeros(1, np.int64)
    centroids = angles(10, 5, 40, 20)
    nearest, distance, second = nearest_identity(
        *(feats, centroids, to_csr([[0, 1, 2]]), place, to_csr([[1]]), moment)
    )
    assert nearest.tolist() == [0]
    assert distance[0] == pytest.approx(1 - np.cos(np.radians(10)))
    assert second[0] == pytest.approx(1 - np.cos(np.radians(40)))


def test_equally_near_identity_is_the_second():
    feats = angles(0).astype(np.float32)
    place = moment = np.zeros(1, np.int64)
    nearest, distance, second = nearest_identity(
        *(feats, angles(30, 30), to_csr([[1, 0]])),
        *(place, to_csr([[]]), moment),
    )
    assert nearest.tolist() == [1]
    assert distance == second


def test_nobody_allowed_and_no_rows():
    feats, none = np.eye(2, dtype=np.float32), np.zeros(2, np.int64)
    nobody = to_csr([[]])
    found = nearest_identity(feats, np.eye(2), nobody, none, nobody, none)
    assert found[0].tolist() == [-1, -1]
    assert np.isinf(found[1]).all()
    assert np.isinf(found[2]).all()
    found = nearest_identity(
        *(feats[:0], np.zeros((0, 2)), nobody, none[:0], nobody, none[:0])
    )
    assert [len(part) for part in found] == [0, 0, 0]


def admit_by_brute_force(
    feats, moment, members, applicants, sigma, exclude_cooccurring
):
    taken = []
    for own, asking in zip(members, applicants, strict=True):
        rows = list(own)
        for row in asking:
            union = feats[[*rows, row]].astype(np.float64)
            fits = (1 - union @ centroid(union)).max() <= sigma + 1e-12
            beside = moment[row] in moment[rows] and exclude_cooccurring
            taken.append(bool(fits and not beside))
            rows += [row] * taken[-1]
    return taken


@pytest.mark.parametrize('exclude', [True, False])
@pytest.mark.parametrize('seed', range(15))
def test_admit_equals_brute_force(seed, exclude):
    rng = np.random.default_rng(seed)
    num, rows = 6, 120
    look = rng.integers(0, num, rows)
    feats = unit(
        rng.normal(size=(num, 5))[look] + rng.normal(0, 0.4, (rows, 5))
    ).astype(np.float32)
    feats[1::9] = feats[::9][: len(feats[1::9])]  # equal rows
    moment = rng.integers(0, 60, rows)
    applies = rng.random(rows) < 0.7
    members = [np.flatnonzero((look == k) & ~applies)[:4] for k in range(num)]
    applicants = [
        rng.permutation(np.flatnonzero((look == k) & applies))
        for k in range(num)
    ]
    members[0], applicants[1] = [], []
    results = []
    for sigma in (0.05, 0.2, 0.4):
        case = (sigma, exclude)
        taken = admit(
            feats, moment, to_csr(members), to_csr(applicants), *case
        )
        assert taken.tolist() == admit_by_brute_force(
            feats, moment, members, applicants, *case
        )
        results += taken.tolist()
    assert 0.1 < np.mean(results) < 0.9


def test_sigma_is_inclusive():
    # exact numbers: both lie at 0.2 from the centroid (1, 0)
    feats = np.array([[0.8, 0.6], [0.8, -0.6]], np.float32)
    radius = 1 - float(feats[0, 0]) / np.linalg.norm(feats[0].astype(float))
    moment, members, asks = np.arange(2), to_csr([[0]]), to_csr([[1]])
    for sigma, fits in ((radius + 1e-7, True), (radius - 1e-7, False)):
        assert admit(feats, moment, members, asks, sigma, True) == [fits]


def test_opposite_row_is_at_distance_one():
    feats = np.array([[1, 0], [-1, 0]], np.float32)
    moment, members, asks = np.arange(2), to_csr([[0]]), to_csr([[1]])
    for sigma, fits in ((0.99, False), (1.0, True)):
        assert admit(feats, moment, members, asks, sigma, True) == [fits]


def test_a_row_taken_forbids_the_next_of_its_moment():
    feats = np.ones((3, 1), np.float32)
    moment, members, asks = (
        np.array([0, 5, 5]),
        to_csr([[0]]),
        to_csr([[2, 1]]),
    )
    assert admit(feats, moment, members, asks, 1.0, True).tolist() == [True, 0]
    assert admit(feats, moment, members, asks, 1.0, False).all()


def test_nobody_asks():
    feats, nobody = np.ones((1, 1), np.float32), to_csr([[], []])
    moment = np.zeros(1, np.int64)
    for members in (to_csr([[0], []]), nobody):
        found = admit(feats, moment, members, nobody, 1.0, True)
        assert found.shape == (0,)


@pytest.mark.parametrize('seed', range(5))
def test_csr_groups_by_key_and_keeps_order(seed):
    rng = np.random.default_rng(seed)
    keys, values = rng.integers(0, 7, 50), rng.integers(0, 99, 50)
    ptr, found = csr(keys, values, 9)
    for k in range(9):
        assert found[ptr[k] : ptr[k + 1]].tolist() == [
            value for key, value in zip(keys, values, strict=True) if key == k
        ]


def test_csr_of_nothing():
    nothing = np.zeros(0, np.int64)
    ptr, values = csr(nothing, nothing, 3)
    assert ptr.tolist() == [0, 0, 0, 0]
    assert len(values) == 0
