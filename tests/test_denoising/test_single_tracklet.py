import numpy as np
import pytest

from mmcion.denoising import SingleTrackletDenoiser
from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.utils.checks import UserError

from .planted import (
    angles,
    assert_valid,
    naive_consistent,
    plant,
    random_case,
    rows_of,
    store,
)


@pytest.mark.parametrize('seed', range(8))
def test_every_tracklet_is_cleaned_alone(seed):
    table, features, labels = random_case(seed)
    sigma = 0.3

    result = SingleTrackletDenoiser(sigma, min_images=2)(
        table, features, labels
    )

    assert_valid(table, labels, result)
    assert not result.keep[~labels.keep].any()
    removed = dissolved = 0
    for rows in rows_of(labels.identity).values():
        keep = np.zeros(len(rows), bool)
        keep[naive_consistent(features[rows], sigma)] = True
        if keep.sum() < 2:
            keep[:] = False
            dissolved += 1
        removed += (~keep).sum()
        assert np.array_equal(result.keep[rows], keep)
        assert len(np.unique(result.identity[rows[keep]])) <= 1
    assert result.report == {
        'removed_images': removed,
        'dissolved_identities': dissolved,
    }
    assert result.num_identities == labels.num_identities - dissolved


@pytest.mark.parametrize('seed', range(3))
def test_identities_may_lie_anywhere(seed):
    # rows of an identity need not follow each other, nor numbers be dense
    table, features, _ = random_case(seed)
    rng = np.random.default_rng(seed)
    names = np.array([-1, 7, 3, 50, 8])[rng.integers(0, 5, len(table))]
    sigma = 0.6

    result = SingleTrackletDenoiser(sigma)(
        table, features, IdentityLabels(names)
    )

    keep = np.zeros(len(table), bool)
    for rows in rows_of(names).values():
        keep[rows[naive_consistent(features[rows], sigma)]] = True
    assert np.array_equal(result.keep, keep)
    assert 0 < keep.sum() < (names >= 0).sum()
    same = names[keep][:, None] == names[keep]
    found = result.identity[keep]
    assert np.array_equal(found[:, None] == found, same)
    assert_valid(table, IdentityLabels(names), result)


@pytest.mark.parametrize('size', [1, 9])
def test_size_of_the_chunks_changes_nothing(monkeypatch, size):
    case = random_case(1)
    whole = SingleTrackletDenoiser(0.3)(*case)
    monkeypatch.setattr('mmcion.denoising.grouped_rows.CHUNK_ROWS', size)
    parts = SingleTrackletDenoiser(0.3)(*case)
    assert np.array_equal(parts.identity, whole.identity)
    assert parts.report == whole.report


def test_rows_without_a_feature_stay_unassigned():
    table, _, _ = random_case(0)
    features = store(np.ones((len(table), 2)), unreadable=[3, 10])
    labels = IdentityLabels.from_tracklets(table, features)
    result = SingleTrackletDenoiser(0.5, min_images=1)(table, features, labels)
    assert np.flatnonzero(~result.keep).tolist() == [3, 10]


@pytest.mark.parametrize('identity', [[], [-1, -1, -1]])
def test_nothing_is_assigned(identity):
    table = TrackletTable.from_columns(
        **dict.fromkeys(
            ('video_id', 'tracklet_id', 'frame'), [0] * len(identity)
        ),
        videos=['a'],
    )
    labels = IdentityLabels(np.array(identity, np.int32))
    features = store(np.ones((len(identity), 2)))
    result = SingleTrackletDenoiser(0.5)(table, features, labels)
    assert result.identity.tolist() == identity
    assert result.report == {'removed_images': 0, 'dissolved_identities': 0}


def test_inputs_stay_as_they_are():
    table, features, labels = random_case(0)
    before = labels.identity.copy()
    SingleTrackletDenoiser(0.2)(table, features, labels)
    assert np.array_equal(labels.identity, before)


def test_leave_one_out_is_stricter_and_keeps_one():
    table = TrackletTable.from_columns(
        video_id=[0] * 6, tracklet_id=[0, 0, 0, 1, 1, 2], frame=range(6)
    )
    # row 2 is at exactly 0.5 of the others; rows 3 and 4 as far of each other
    features = store(
        [[1, 1, 1, 1], [1, 1, 1, 1], [1, 0, 0, 0]]
        + [[1, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0]]
    )
    labels = IdentityLabels.from_tracklets(table)
    case = table, features, labels
    paper = SingleTrackletDenoiser(0.5, min_images=1, leave_one_out=True)
    assert paper(*case).identity.tolist() == [0, 0, -1, 1, -1, 2]
    ours = SingleTrackletDenoiser(0.5, min_images=1)
    assert ours(*case).keep.all()
    with pytest.raises(UserError, match='leave_one_out .*3'):
        SingleTrackletDenoiser(0.5, leave_one_out=3)


def test_foreign_images_go_and_own_images_stay():
    case = plant(0, videos=1, pieces=1, length=30)
    labels = IdentityLabels.from_tracklets(case.table)
    result = SingleTrackletDenoiser(0.3)(case.table, case.features, labels)
    own = case.pid < 8
    assert result.keep[own].mean() > 0.98
    assert result.keep[~own].mean() < 0.02


def tracklet_of(*degrees):
    """Return one tracklet of unit vectors at these angles."""
    table = TrackletTable.from_columns(
        video_id=[0] * len(degrees),
        tracklet_id=[0] * len(degrees),
        frame=range(len(degrees)),
    )
    features = store(angles(*degrees))
    return table, features, IdentityLabels.from_tracklets(table)


@pytest.mark.parametrize(
    ('min_split', 'expected'),
    [
        (None, [0, 0, 0, 0, 0, -1, -1, -1, -1]),
        (3, [0, 0, 0, 0, 0, 1, 1, 1, -1]),
        (4, [0, 0, 0, 0, 0, -1, -1, -1, -1]),
    ],
)
def test_person_to_whom_the_tracker_switched_is_an_identity(
    min_split, expected
):
    case = tracklet_of(0, 1, 2, 1, 0, 90, 91, 90, 180)
    found = SingleTrackletDenoiser(0.1, min_split=min_split)(*case)
    assert found.identity.tolist() == expected
    assert found.report['removed_images'] == expected.count(-1)


def test_tracklet_of_three_people_is_split_twice():
    case = tracklet_of(*[0] * 5, *[90] * 4, *[180] * 3, 45)
    found = SingleTrackletDenoiser(0.1, min_split=3)(*case)
    expected = [0] * 5 + [1] * 4 + [2] * 3 + [-1]
    assert found.identity.tolist() == expected
    assert found.report['split_identities'] == 2


@pytest.mark.parametrize('seed', range(3))
def test_split_identities_are_consistent_and_of_one_tracklet(seed):
    case = plant(seed, foreign=0.3)
    raw = IdentityLabels.from_tracklets(case.table)
    found = SingleTrackletDenoiser(0.3, min_split=2)(
        case.table, case.features, raw
    )
    assert found.report['split_identities'] > 0
    for rows in rows_of(found.identity).values():
        assert len(rows) >= 2
        assert len(np.unique(raw.identity[rows])) == 1
        assert len(naive_consistent(case.features[rows], 0.3)) == len(rows)


def test_small_rest_is_dissolved():
    table = TrackletTable.from_columns(
        video_id=[0] * 5, tracklet_id=[0, 0, 0, 1, 2], frame=[0, 1, 2, 0, 0]
    )
    features = store([[1, 0], [1, 0], [0, 1], [1, 1], [1, 0]])
    labels = IdentityLabels.from_tracklets(table)
    result = SingleTrackletDenoiser(0.1, min_images=2)(table, features, labels)
    assert result.identity.tolist() == [0, 0, -1, -1, -1]
    assert result.report['dissolved_identities'] == 2
    all_kept = SingleTrackletDenoiser(0.1, min_images=1)(
        table, features, labels
    )
    assert all_kept.identity.tolist() == [0, 0, -1, 1, 2]


@pytest.mark.parametrize('sigma', ['auto', 0, -1, 2.1, float('nan'), True])
def test_sigma_must_be_a_distance(sigma):
    with pytest.raises(UserError, match=f'sigma .*{sigma}'):
        SingleTrackletDenoiser(sigma)
    assert SingleTrackletDenoiser(2).sigma == 2


@pytest.mark.parametrize('value', ['abc', -1, 2.5])
def test_images_are_counted_in_whole_numbers(value):
    with pytest.raises(UserError, match=f'min_images .*{value}'):
        SingleTrackletDenoiser(0.3, min_images=value)
