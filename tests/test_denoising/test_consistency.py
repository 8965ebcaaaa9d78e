from itertools import pairwise

import numpy as np
import pytest

from mmcion.denoising.functional import consistent_groups, consistent_rows

from .plain_cion import plain_single_tracklet
from .planted import angles, centroid, naive_consistent, unit


def assert_equals_the_naive_loop(feats, sigma):
    keep = consistent_rows(feats, sigma)
    assert keep.dtype == bool
    assert np.flatnonzero(keep).tolist() == naive_consistent(feats, sigma)
    return keep


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('sigma', [1e-3, 0.05, 0.2, 0.5, 1.0, 1.9])
@pytest.mark.parametrize('dim', [2, 5, 64])
def test_equals_the_naive_loop(dim, sigma, dtype):
    rng = np.random.default_rng(dim)
    for size in range(1, 61, 2):
        noise = rng.choice([0.1, 0.5, 2.0])
        feats = rng.normal(size=dim) + noise * rng.normal(size=(size, dim))
        assert_equals_the_naive_loop(unit(feats).astype(dtype), sigma)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('seed', range(20))
def test_equals_the_naive_loop_with_duplicates(seed, dtype):
    rng = np.random.default_rng(seed)
    # few directions, each many times: every round has ties
    feats = unit(rng.normal(size=(4, 8)))[rng.integers(0, 4, 40)]
    for sigma in (0.05, 0.3, 0.6, 1.0):
        assert_equals_the_naive_loop(feats.astype(dtype), sigma)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize(('size', 'noise'), [(1001, 0.5), (2500, 3.0)])
def test_equals_the_naive_loop_in_large_groups(size, noise, dtype):
    rng = np.random.default_rng(size)
    feats = unit(rng.normal(size=16) + noise * rng.normal(size=(size, 16)))
    feats[size // 2] = feats[3]
    for sigma in (0.02, 0.1):
        keep = assert_equals_the_naive_loop(feats.astype(dtype), sigma)
        assert 1 <= keep.sum() < size


@pytest.mark.parametrize('seed', range(10))
def test_near_ties_in_float32_are_decided_in_float64(seed):
    # rows that differ in single last bits: after the outliers are gone, what
    # their products erred by in float32 would decide which is the farthest
    rng = np.random.default_rng(seed)
    ends = unit(rng.normal(size=(2, 64)) + 0.5).astype(np.float32)
    near = np.repeat(ends, [12, 6], axis=0)
    steps = rng.integers(-1, 2, near.shape) * np.spacing(near)
    near = (near + steps).astype(np.float32)
    far = 1 - near[12:] @ centroid(near)
    assert 0 < np.ptp(far) < 1e-6
    outliers = unit(rng.normal(size=(200, 64))).astype(np.float32)
    feats = np.concatenate((near, outliers))
    for sigma in (0.5 * far.min(), 0.8 * far.min(), *np.sort(far)[1::2]):
        keep = assert_equals_the_naive_loop(feats, sigma)
        assert keep[:12].all()
        assert keep[18:].sum() < 20


@pytest.mark.parametrize('seed', range(10))
def test_sigma_near_the_farthest_row_is_decided_in_float64(seed):
    rng = np.random.default_rng(seed)
    feats = unit(rng.normal(size=(30, 48)) + 1).astype(np.float32)
    exact = feats.astype(np.float64)
    radius = (1 - exact @ centroid(exact)).max()
    for error in (-1e-7, -1e-9, -1e-11, 0, 1e-11, 1e-9, 1e-7):
        keep = assert_equals_the_naive_loop(feats, radius + error)
        assert keep.all() == (error >= 0)


@pytest.mark.parametrize('seed', range(10))
def test_sigma_is_met_exactly_after_many_removals(seed):
    rng = np.random.default_rng(seed)
    near = unit(rng.normal(size=(20, 48)) + 2).astype(np.float32)
    exact = near.astype(np.float64)
    radius = (1 - exact @ centroid(exact)).max()
    outliers = unit(rng.normal(size=(400, 48))).astype(np.float32)
    feats = np.concatenate((outliers, near))
    for error in (-1e-8, -1e-9, -1e-10, 0, 1e-10, 1e-9, 1e-8):
        keep = consistent_rows(feats, radius + error)
        assert not keep[:400].any()
        assert keep[400:].all() == (error >= 0)


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('tilt', [1e-3, 0.1])
def test_rows_that_nearly_cancel_out(tilt, seed):
    # the shorter the mean, the more a distance suffers from rounding
    rng = np.random.default_rng(seed)
    half = unit(rng.normal(size=(400, 64))).astype(np.float32)
    feats = np.concatenate((half, -half))
    feats[0] = unit(feats[0] + tilt * feats[1]).astype(np.float32)
    exact = feats.astype(np.float64)
    radius = (1 - exact @ centroid(exact)).max()
    for error in (-1e-4, 1e-4):
        keep = consistent_rows(feats, radius + error)
        assert keep.all() == (error > 0)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_groups_are_cleaned_alone(dtype):
    rng = np.random.default_rng(0)
    sizes = rng.choice([0, 1, 2, 5, 30, 80], 60)
    ptr = np.concatenate(([0], np.cumsum(sizes)))
    looks = np.repeat(rng.normal(size=(60, 12)), sizes, axis=0)
    feats = unit(looks + rng.normal(size=looks.shape)).astype(dtype)
    expected = [
        start + row
        for start, stop in pairwise(ptr)
        for row in naive_consistent(feats[start:stop], 0.3)
    ]
    assert 0 < len(expected) < len(feats)

    whole = consistent_groups(feats, ptr, 0.3, False)

    assert np.flatnonzero(whole).tolist() == expected
    # cut between any two groups, the parts give the same
    for step in (1, 7, 59):
        parts = [ptr[i : i + step + 1] for i in range(0, 60, step)]
        pieces = [
            consistent_groups(feats[p[0] : p[-1]], p - p[0], 0.3, False)
            for p in parts
        ]
        assert np.array_equal(np.concatenate(pieces), whole)


def test_of_equally_far_rows_the_later_goes_first():
    feats = angles(0, 0, 0, 40, -40)
    # with both 40-degree rows d = 1 - cos 40 = 0.234; then the centroid
    # turns towards row 3, which is 0.156 from it
    for some in (feats, feats.astype(np.float32)):
        keep = consistent_rows(some, 0.2)
        assert keep.tolist() == [True] * 4 + [False]
        keep = consistent_rows(some, 0.1)
        assert keep.tolist() == [True] * 3 + [False] * 2


def test_centroid_is_updated_between_removals():
    # the outlier at 90 degrees alone drives row 3 beyond sigma
    feats = angles(0, 0, 0, -20, 90)
    first = 1 - feats @ centroid(feats)
    assert first[3] > 0.1
    assert consistent_rows(feats, 0.1).tolist() == [True] * 4 + [False]


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize(
    'degrees', [[0, 180], [0, 120, 240], [0, 90, 180, 270]]
)
def test_rows_without_a_direction_are_at_distance_one(degrees, dtype):
    feats = angles(*degrees).astype(dtype)
    assert consistent_rows(feats, 2).all()
    assert consistent_rows(feats, 1.0).all()
    # all are equally far, so the last goes first
    for sigma in (0.1, 0.4, 0.9, 0.999):
        keep = assert_equals_the_naive_loop(feats, sigma)
        assert not keep[-1]


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_sigma_is_inclusive(dtype):
    # exact numbers: the centroid is (1, 0), row 1 and 2 lie at 0.4
    feats = np.array([[1, 0], [0.6, 0.8], [0.6, -0.8]], dtype)
    radius = 1 - float(feats[1, 0])
    assert consistent_rows(feats, radius).all()
    assert not consistent_rows(feats, radius - 1e-9).all()


def test_strict_sigma_leaves_equal_rows():
    feats = unit(np.random.default_rng(0).normal(size=(6, 16)))
    feats[4] = feats[1]
    assert 1 <= consistent_rows(feats, 1e-5).sum() <= 2


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_no_rows_and_no_groups(dtype):
    nothing = np.zeros((0, 3), dtype)
    assert consistent_rows(nothing, 0.5).shape == (0,)
    assert consistent_groups(nothing, np.array([0]), 0.5, False).shape == (0,)
    assert consistent_groups(
        nothing, np.array([0, 0, 0]), 0.5, False
    ).shape == (0,)


@pytest.mark.parametrize('seed', range(10))
def test_what_stays_is_consistent(seed):
    rng = np.random.default_rng(seed)
    feats = unit(rng.normal(size=(50, 8)) + 1)
    for sigma in (0.05, 0.2, 0.5):
        keep = consistent_rows(feats, sigma)
        far = 1 - feats[keep] @ centroid(feats[keep])
        assert far.max() <= sigma + 1e-9


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_input_is_not_changed(dtype):
    feats = unit(np.random.default_rng(0).normal(size=(10, 4))).astype(dtype)
    before, ptr = feats.copy(), np.array([0, 4, 10])
    consistent_groups(feats, ptr, 0.3, False)
    assert np.array_equal(feats, before)
    assert ptr.tolist() == [0, 4, 10]


def assert_equals_the_plain_loop(feats, sigma):
    """Compare with the paper's Eq. 4."""
    ptr = np.array([0, len(feats)])
    keep = consistent_groups(feats, ptr, sigma, True)
    rows, _ = plain_single_tracklet(feats.astype(np.float64), sigma)
    assert np.flatnonzero(keep).tolist() == rows
    return keep


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('sigma', [0.05, 0.2, 0.5, 1.0, 1.9])
@pytest.mark.parametrize('dim', [2, 5, 64])
def test_leave_one_out_equals_the_plain_loop(dim, sigma, dtype):
    rng = np.random.default_rng(dim)
    for size in (0, 1, 2, 3, 4, 9, 20):
        noise = rng.choice([0.1, 0.5, 2.0])
        feats = rng.normal(size=dim) + noise * rng.normal(size=(size, dim))
        assert_equals_the_plain_loop(unit(feats).astype(dtype), sigma)
        # few directions, each many times: every round has ties
        some = unit(rng.normal(size=(3, dim)))[rng.integers(0, 3, size)]
        assert_equals_the_plain_loop(some.astype(dtype), sigma)


@pytest.mark.parametrize('seed', range(10))
def test_leave_one_out_near_sigma_is_decided_in_float64(seed):
    rng = np.random.default_rng(seed)
    near = unit(rng.normal(size=(12, 48)) + 1).astype(np.float32)
    exact = near.astype(np.float64)
    radius = max(
        1 - unit(row) @ centroid(np.delete(exact, i, 0))
        for i, row in enumerate(exact)
    )
    outliers = unit(rng.normal(size=(30, 48))).astype(np.float32)
    for feats in (near, np.concatenate((outliers, near))):
        for error in (-1e-7, -1e-9, -1e-11, 1e-11, 1e-9, 1e-7):
            keep = assert_equals_the_plain_loop(feats, radius + error)
            assert keep[-12:].all() == (error > 0)


@pytest.mark.parametrize('seed', range(6))
def test_leave_one_out_of_rows_that_nearly_cancel_out(seed):
    rng = np.random.default_rng(seed)
    half = unit(rng.normal(size=(8, 6))).astype(np.float32)
    for feats in (np.concatenate((half, -half)), unit(half - half.mean(0))):
        for sigma in (0.3, 0.9, 1.0, 1.2):
            assert_equals_the_plain_loop(feats.astype(np.float32), sigma)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_leave_one_out_at_exactly_sigma_goes(dtype):
    # 0.5 from the centroid of the other two
    feats = np.array([[1, 1, 1, 1], [1, 1, 1, 1], [2, 0, 0, 0]], dtype) / 2
    ptr = np.array([0, 3])
    gone = consistent_groups(feats, ptr, 0.5, True)
    assert gone.tolist() == [True, True, False]
    # 1 - sqrt(3 / 4) from the centroid of all of them
    assert consistent_groups(feats, ptr, 0.5, False).all()
    assert consistent_groups(feats, ptr, 0.5 + 1e-9, True).all()


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_leave_one_out_keeps_the_earlier_of_two_and_one_row(dtype):
    rng = np.random.default_rng(0)
    ptr = np.array([0, 2, 3])
    for _ in range(20):
        # their lengths differ in the last bits
        feats = unit(rng.normal(size=(3, 7))).astype(dtype)
        keep = consistent_groups(feats, ptr, 1e-3, True)
        assert keep.tolist() == [True, False, True]


def test_leave_one_out_of_a_rest_without_direction():
    # rows 0 and 1 cancel out: row 2 is at distance 1 from nothing, while
    # rows 0 and 1 are 1 - cos 135 = 1.7 from the rest
    feats = np.array([[1, 0], [-1, 0], [0, 1.0]])
    ptr = np.array([0, 3])
    assert consistent_groups(feats, ptr, 1.8, True).all()
    keep = consistent_groups(feats, ptr, 1.5, True)
    assert keep.tolist() == [True, False, True]
