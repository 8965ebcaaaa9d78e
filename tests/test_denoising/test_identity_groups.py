import numpy as np
import pytest

from mmcion.denoising.identity_groups import IdentityGroups

from .planted import centroid, unit


def random_groups(seed, exclude_cooccurring=True):
    rng = np.random.default_rng(seed)
    moment = np.repeat(np.arange(12), 4)
    feats = unit(rng.normal(size=(3, 5)))[rng.integers(0, 3, 48)]
    feats = unit(feats + rng.normal(scale=0.3, size=feats.shape))
    identity = np.tile([0, 1, 2, -1], 12)
    identity[rng.random(48) < 0.4] = -1
    return IdentityGroups(feats, moment, identity, exclude_cooccurring)


def angles(*degrees):
    radians = np.radians(degrees)
    return np.stack((np.cos(radians), np.sin(radians)), 1)


@pytest.mark.parametrize('seed', range(15))
def test_reallocating_keeps_frames_apart_and_identities_consistent(seed):
    groups = random_groups(seed)
    sigma = 0.15
    consistent = [
        groups.is_consistent(groups.rows(k), sigma) for k in range(3)
    ]
    before = groups.identity.copy()

    moved = groups.reallocate(sigma)

    assert moved == (before != groups.identity).sum()
    assert np.array_equal(groups.identity[before >= 0], before[before >= 0])
    for k in range(3):
        rows = groups.rows(k)
        assert len(set((rows // 4).tolist())) == len(rows)
        if consistent[k]:
            assert groups.is_consistent(rows, sigma)
        if len(rows):
            np.testing.assert_allclose(
                groups.centroids[k], centroid(groups.feats[rows]), atol=1e-9
            )


def test_nearest_row_is_given_first():
    # one place per frame: both pooled rows are of frame 0
    groups = IdentityGroups(
        angles(0, 0, 20, 10), np.array([1, 2, 0, 0]), np.array([0, 0, -1, -1])
    )
    assert groups.reallocate(0.5) == 1
    assert groups.identity.tolist() == [0, 0, -1, 0]


def test_row_beyond_sigma_stays_in_the_pool():
    feats = angles(0, 0, 60)
    for sigma, moved in ((0.49, 0), (0.51, 1)):
        groups = IdentityGroups(feats, np.arange(3), np.array([0, 0, -1]))
        assert groups.reallocate(sigma) == moved


@pytest.mark.parametrize(('sigma', 'moved'), [(0.3, 0), (0.4, 1)])
def test_row_that_would_push_another_out_is_refused(sigma, moved):
    # row 3 lies 0.29 from the centroid at 0 degrees; with it the centroid
    # turns, and row 0 would lie 0.38 away
    feats = angles(-40, 20, 20, 45)
    groups = IdentityGroups(feats, np.arange(4), np.array([0, 0, 0, -1]))
    assert groups.is_consistent(np.arange(3), sigma)
    assert 1 - feats[3] @ groups.centroids[0] < sigma

    assert groups.reallocate(sigma) == moved


def test_row_seen_beside_its_nearest_identity_goes_to_the_next():
    # row 2 looks like identity 0 but shares frame 7 with it
    feats, moment = angles(0, 30, 5), np.array([7, 8, 7])
    identity = np.array([0, 1, -1])
    groups = IdentityGroups(feats, moment, identity)
    assert groups.forbidden_for_row(2).tolist() == [True, False]
    groups.reallocate(0.5)
    assert groups.identity.tolist() == [0, 1, 1]
    free = IdentityGroups(feats, moment, identity, exclude_cooccurring=False)
    free.reallocate(0.5)
    assert free.identity.tolist() == [0, 1, 0]


def test_forbidden_pairs_share_a_frame():
    moment = np.array([0, 0, 1, 1, 2])
    groups = IdentityGroups(
        angles(0, 1, 2, 3, 4), moment, np.array([0, 1, 1, 2, 3])
    )
    assert groups.forbidden_for(1).tolist() == [True, True, True, False]
    assert groups.forbidden_for(3).tolist() == [False, False, False, True]


def test_set_rows_moves_sums_and_frames():
    feats = angles(0, 10, 20, 90)
    groups = IdentityGroups(feats, np.arange(4), np.array([0, 0, 1, -1]))
    groups.set_rows(0, np.array([1, 3]))
    assert groups.identity.tolist() == [-1, 0, 1, 0]
    assert groups.pool().tolist() == [0]
    np.testing.assert_allclose(groups.sums[0], feats[1] + feats[3])
    assert groups.forbidden_for_row(3).tolist() == [True, False]
    assert groups.forbidden_for_row(0).tolist() == [False, False]


def test_empty_identity_receives_nothing():
    groups = IdentityGroups(
        angles(0, 0, 90), np.arange(3), np.array([0, 1, -1])
    )
    groups.set_rows(1, np.zeros(0, np.int64))
    groups.reallocate(0.5)
    assert groups.identity.tolist() == [0, 0, -1]


def test_nothing_to_do():
    no_pool = IdentityGroups(angles(0, 9), np.arange(2), np.array([0, 1]))
    no_identity = IdentityGroups(angles(0), np.arange(1), np.array([-1]))
    assert no_pool.reallocate(1) == no_identity.reallocate(1) == 0


def test_input_is_copied():
    identity = np.array([0, -1])
    groups = IdentityGroups(angles(0, 1), np.arange(2), identity)
    groups.reallocate(1)
    assert groups.identity.tolist() == [0, 0]
    assert identity.tolist() == [0, -1]
