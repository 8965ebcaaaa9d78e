import itertools

import numpy as np
import pytest

from mmcion.denoising.identity_groups import IdentityGroups
from mmcion.structures import TrackletTable

from .planted import (
    angles,
    centroid,
    naive_consistent,
    naive_reallocate,
    rows_of,
    unit,
)


def random_groups(seed, exclude_cooccurring=True, usable=None):
    """Four boxes in each of twelve frames, half of them pooled."""
    rng = np.random.default_rng(seed)
    frame = np.repeat(np.arange(12) * 100 - 7, 4)  # any integers
    identity = np.tile([0, 1, 2, -1], 12)
    looks = np.where(identity < 0, rng.integers(0, 3, 48), identity)
    feats = unit(rng.normal(size=(3, 5)))[looks]
    feats = unit(feats + rng.normal(scale=0.15, size=feats.shape))
    identity[rng.random(48) < 0.4] = -1
    return IdentityGroups(feats, frame, identity, exclude_cooccurring, usable)


def radius(groups, k):
    feats = groups.feats[groups.rows[k]]
    return (1 - feats @ centroid(feats)).max(initial=0)


def assert_in_step(groups):
    """Check that rows and centroids are those of the identity column."""
    for k in range(groups.num):
        rows = np.flatnonzero(groups.identity == k)
        assert groups.rows[k].tolist() == rows.tolist()
        expected = centroid(groups.feats[rows]) if len(rows) else 0
        np.testing.assert_allclose(groups.centroids[k], expected, atol=1e-12)


@pytest.mark.parametrize('seed', range(15))
def test_reallocating_keeps_frames_apart_and_identities_consistent(seed):
    groups = random_groups(seed)
    sigma = 0.15
    consistent = [radius(groups, k) <= sigma for k in range(3)]
    before = groups.identity.copy()

    moved = groups.reallocate(sigma)

    assert moved == (before != groups.identity).sum() > 0
    assert np.array_equal(groups.identity[before >= 0], before[before >= 0])
    assert_in_step(groups)
    for k in range(3):
        rows = groups.rows[k]
        assert len(set((rows // 4).tolist())) == len(rows)
        if consistent[k]:
            assert radius(groups, k) <= sigma + 1e-9


@pytest.mark.parametrize('exclude', [True, False])
@pytest.mark.parametrize(('sigma', 'max_ratio'), [(0.3, 1.0), (0.5, 0.6)])
@pytest.mark.parametrize('seed', range(8))
def test_reallocating_equals_brute_force(seed, sigma, max_ratio, exclude):
    usable = np.random.default_rng(seed).random(48) < 0.8
    groups = random_groups(seed, exclude, usable)
    table = TrackletTable.from_columns(
        video_id=np.zeros(48),
        tracklet_id=np.arange(48),
        frame=np.repeat(np.arange(12), 4),
    )
    expected = naive_reallocate(
        table,
        groups.feats,
        groups.identity,
        sigma,
        max_ratio,
        exclude,
        unreadable=np.flatnonzero(~usable),
    )
    assert not np.array_equal(expected, groups.identity)

    groups.reallocate(sigma, max_ratio)

    assert np.array_equal(groups.identity, expected)


def test_nearest_row_is_given_first():
    # one place per frame: both pooled rows are of frame 0
    groups = IdentityGroups(
        angles(0, 0, 20, 10), np.array([1, 2, 0, 0]), np.array([0, 0, -1, -1])
    )
    assert groups.reallocate(0.5) == 1
    assert groups.identity.tolist() == [0, 0, -1, 0]


def test_of_equally_near_rows_the_earlier_is_given_first():
    groups = IdentityGroups(
        angles(0, 0, 10, 10), np.array([1, 2, 0, 0]), np.array([0, 0, -1, -1])
    )
    assert groups.reallocate(0.5) == 1
    assert groups.identity.tolist() == [0, 0, 0, -1]


def test_row_beyond_sigma_stays_in_the_pool():
    feats = angles(0, 0, 60)
    for sigma, moved in ((0.49, 0), (0.51, 1)):
        groups = IdentityGroups(feats, np.arange(3), np.array([0, 0, -1]))
        assert groups.reallocate(sigma) == moved


def test_row_between_two_identities_stays_in_the_pool():
    # row 2 is 0.06 from the one at 0 degrees, 0.13 from the one at 50
    feats, identity = angles(0, 50, 20), np.array([0, 1, -1])
    ratio = (1 - np.cos(np.radians(20))) / (1 - np.cos(np.radians(30)))
    for max_ratio, moved in ((ratio - 1e-3, 0), (ratio + 1e-3, 1)):
        groups = IdentityGroups(feats, np.arange(3), identity)
        assert groups.reallocate(0.5, max_ratio) == moved


def test_only_allowed_identities_make_a_row_doubtful():
    # as above, but the second nearest is in the frame of the row
    groups = IdentityGroups(
        angles(0, 50, 20), np.array([0, 7, 7]), np.array([0, 1, -1])
    )
    assert groups.reallocate(0.5, 0.1) == 1


@pytest.mark.parametrize(('sigma', 'moved'), [(0.3, 0), (0.4, 1)])
def test_row_that_would_push_another_out_is_refused(sigma, moved):
    # row 3 lies 0.29 from the centroid at 0 degrees; with it the centroid
    # turns, and row 0 would lie 0.38 away
    feats = angles(-40, 20, 20, 45)
    groups = IdentityGroups(feats, np.arange(4), np.array([0, 0, 0, -1]))
    assert radius(groups, 0) < sigma
    assert 1 - feats[3] @ groups.centroids[0] < sigma

    assert groups.reallocate(sigma) == moved


def test_row_in_a_frame_of_its_nearest_identity_goes_to_the_next():
    # row 2 looks like identity 0 but shares frame 7 with it
    feats, frame = angles(0, 30, 5), np.array([7, 8, 7])
    identity = np.array([0, 1, -1])
    groups = IdentityGroups(feats, frame, identity)
    groups.reallocate(0.5)
    assert groups.identity.tolist() == [0, 1, 1]
    free = IdentityGroups(feats, frame, identity, exclude_cooccurring=False)
    free.reallocate(0.5)
    assert free.identity.tolist() == [0, 1, 0]


def test_identities_that_share_a_frame_may_not_join():
    frame = np.array([0, 0, 1, 1, 2])
    case = angles(0, 1, 2, 3, 4), frame, np.array([0, 1, 1, 2, 3])
    groups = IdentityGroups(*case)
    free = IdentityGroups(*case, exclude_cooccurring=False)
    together = {(0, 1), (1, 2)}
    for a, b in itertools.combinations(range(4), 2):
        assert groups.cooccur(a, b) == ((a, b) in together)
        assert groups.cooccur(b, a) == ((a, b) in together)
        assert not free.cooccur(a, b)


@pytest.mark.parametrize('block', [1, 2, 1024])
@pytest.mark.parametrize('exclude', [True, False])
@pytest.mark.parametrize('seed', range(4))
def test_near_pairs_equal_brute_force(monkeypatch, seed, exclude, block):
    monkeypatch.setattr('mmcion.denoising.identity_groups._BLOCK', block)
    rng = np.random.default_rng(seed)
    feats, identity = unit(rng.normal(size=(60, 3))), rng.integers(-1, 20, 60)
    frame = rng.integers(0, 40, 60)
    identity[identity == 4] = -1  # an identity without rows
    groups = IdentityGroups(feats, frame, identity, exclude)
    members = rows_of(identity)
    expected = []
    for a, b in itertools.combinations(members, 2):
        same_frame = np.isin(frame[members[a]], frame[members[b]]).any()
        distance = 1 - centroid(groups.feats[members[a]]) @ centroid(
            groups.feats[members[b]]
        )
        if distance < 0.7 and not (exclude and same_frame):
            expected.append((pytest.approx(distance, abs=1e-9), a, b))
    assert len(expected) > 10

    assert sorted(groups.near_pairs(0.7), key=lambda pair: pair[1:]) == (
        expected
    )
    for k in range(groups.num):
        assert sorted(
            groups.near_pairs(0.7, k), key=lambda pair: pair[1:]
        ) == [pair for pair in expected if k in pair[1:]]


@pytest.mark.parametrize('seed', range(8))
def test_both_ways_to_find_pairs_agree_to_the_last_digit(seed):
    # a queue is filled by one and then by the other
    rng = np.random.default_rng(seed)
    feats = unit(rng.normal(size=(40, 48)))
    groups = IdentityGroups(feats, np.arange(40), np.arange(40))
    pairs = set(groups.near_pairs(1.0))
    again = [groups.near_pairs(1.0, k) for k in range(40)]
    assert pairs == set(itertools.chain.from_iterable(again))


def test_union_is_what_level_one_would_keep():
    rng = np.random.default_rng(0)
    losses = []
    for sigma in (0.01, 0.1, 0.3, 0.6):
        for seed in range(6):
            groups = random_groups(seed)
            a, b = rng.permutation(3)[:2].tolist()
            rows = np.union1d(groups.rows[a], groups.rows[b])
            kept = rows[naive_consistent(groups.feats[rows], sigma)]
            smaller = min((a, b), key=lambda k: len(groups.rows[k]))
            own = groups.rows[smaller]
            expected = (~np.isin(own, kept)).mean()

            found, loss = groups.union(a, b, sigma)

            assert found.tolist() == kept.tolist()
            assert loss == pytest.approx(expected)
            losses.append(loss)
            assert_in_step(groups)
    assert len(np.unique(losses)) > 3


def test_set_rows_moves_rows_centroids_and_frames():
    feats = angles(0, 10, 20, 90)
    frame = np.array([0, 1, 2, 2])
    groups = IdentityGroups(feats, frame, np.array([0, 0, 1, -1]))
    assert not groups.cooccur(0, 1)
    groups.set_rows(0, np.array([1, 3]))
    assert groups.identity.tolist() == [-1, 0, 1, 0]
    assert_in_step(groups)
    assert groups.cooccur(0, 1)
    groups.set_rows(0, np.array([0]))
    assert not groups.cooccur(0, 1)


@pytest.mark.parametrize('gone', [0, 1])
def test_empty_identity_receives_nothing_and_joins_nobody(gone):
    # the pooled rows look like the identity that has gone
    feats = angles(*[(90, 0), (0, 90)][gone], 90, 90)
    groups = IdentityGroups(feats, np.arange(4), np.array([0, 1, -1, -1]))
    groups.set_rows(gone, np.zeros(0, np.int64))
    assert not groups.centroids[gone].any()
    groups.reallocate(0.5)
    assert groups.identity.tolist() == [*[(-1, 1), (0, -1)][gone], -1, -1]
    assert groups.near_pairs(2) == groups.near_pairs(2, gone) == []


def test_rows_that_may_not_be_given_away_stay_pooled():
    usable = np.array([True, True, False, True])
    groups = IdentityGroups(
        angles(0, 0, 0, 0),
        np.arange(4),
        np.array([0, 0, -1, -1]),
        True,
        usable,
    )
    assert groups.reallocate(0.5) == 1
    assert groups.identity.tolist() == [0, 0, -1, 0]


def test_nothing_to_do():
    no_pool = IdentityGroups(angles(0, 9), np.arange(2), np.array([0, 1]))
    no_identity = IdentityGroups(angles(0), np.arange(1), np.array([-1]))
    no_rows = IdentityGroups(
        np.zeros((0, 2)), np.arange(0), np.zeros(0, np.int64)
    )
    for groups in (no_pool, no_identity, no_rows):
        assert groups.reallocate(1) == 0
        assert groups.near_pairs(1e-9) == []


def test_inputs_are_copied():
    identity, feats = np.array([0, -1]), angles(0, 1)
    frame, usable = np.arange(2), np.ones(2, bool)
    groups = IdentityGroups(feats, frame, identity, True, usable)
    groups.reallocate(1)
    groups.set_rows(0, np.array([1]))
    assert groups.identity.tolist() == [-1, 0]
    assert identity.tolist() == [0, -1]
    assert np.array_equal(feats, angles(0, 1))
    assert frame.tolist() == [0, 1]
    assert usable.all()
