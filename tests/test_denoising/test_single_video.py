import itertools

import numpy as np
import pytest

from mmcion.denoising import SingleVideoDenoiser
from mmcion.denoising.functional import consistent_rows
from mmcion.structures import IdentityLabels, TrackletTable

from .planted import (
    assert_valid,
    centroid,
    people_in_two_places,
    random_case,
    store,
)


def on_circle(degrees):
    angle = np.radians(degrees)
    return store(np.stack((np.cos(angle), np.sin(angle)), 1))


def one_video(degrees, tracklets, frames=None):
    """Rows of one video, each at an angle; a frame of its own each."""
    table = TrackletTable.from_columns(
        video_id=np.zeros(len(degrees)),
        tracklet_id=tracklets,
        frame=np.arange(len(degrees)) if frames is None else frames,
    )
    return table, on_circle(degrees), IdentityLabels.from_tracklets(table)


def test_two_tracklets_of_one_person_are_merged():
    case = one_video([0, 2, 10, 12, 90, 92], [0, 0, 1, 1, 2, 2])
    result = SingleVideoDenoiser(sigma=0.1, delta=0.2)(*case)
    assert result.identity.tolist() == [0, 0, 0, 0, 1, 1]
    assert result.report == {'reallocated_images': 0, 'merges': 1}


def test_merging_stops_at_delta():
    case = one_video([0, 0, 30, 30], [0, 0, 1, 1])
    distance = 1 - np.cos(np.radians(30))
    apart = SingleVideoDenoiser(0.5, distance - 1e-4)(*case)
    joined = SingleVideoDenoiser(0.5, distance + 1e-4)(*case)
    assert apart.num_identities == 2
    assert joined.num_identities == 1


def test_closest_pair_is_merged_first():
    # 20 would fit 0 as well as 30 does not; its nearest is 30
    case = one_video([0, 0, 20, 20, 30, 30], [0, 0, 1, 1, 2, 2])
    result = SingleVideoDenoiser(sigma=0.02, delta=0.07)(*case)
    assert result.identity.tolist() == [0, 0, 1, 1, 1, 1]


def test_people_seen_together_are_never_joined():
    case = one_video([0, 0, 1, 1], [0, 0, 1, 1], frames=[4, 5, 5, 6])
    kept = SingleVideoDenoiser(0.5, 0.5)(*case)
    free = SingleVideoDenoiser(0.5, 0.5, exclude_cooccurring=False)(*case)
    assert kept.identity.tolist() == [0, 0, 1, 1]
    assert free.identity.tolist() == [0, 0, 0, 0]


def test_a_merge_inherits_who_was_seen_beside():
    # 1 joins 0 first; 2 was seen beside 1 only, but may not join both
    case = one_video(
        [0, 0, 1, 1, 8, 8], [0, 0, 1, 1, 2, 2], frames=[0, 1, 2, 3, 3, 4]
    )
    result = SingleVideoDenoiser(0.5, 0.5)(*case)
    assert result.identity.tolist() == [0, 0, 0, 0, 1, 1]


def test_merge_that_would_lose_the_smaller_side_is_refused():
    # beside six rows at 0 degrees both rows at 50 fall out of sigma
    case = one_video([0] * 6 + [50] * 2, [0] * 6 + [1] * 2)
    refused = SingleVideoDenoiser(sigma=0.2, delta=0.5, max_loss=0.5)(*case)
    forced = SingleVideoDenoiser(sigma=0.2, delta=0.5, max_loss=1.0)(*case)
    wide = SingleVideoDenoiser(sigma=0.25, delta=0.5, max_loss=0)(*case)
    assert refused.identity.tolist() == [0] * 6 + [1] * 2
    assert forced.identity.tolist() == [0] * 6 + [-1] * 2
    assert wide.identity.tolist() == [0] * 8


def test_pooled_row_is_given_back():
    table, features, _ = one_video([0, 2, 4, 90, 50], [0, 0, 0, 1, 1])
    labels = IdentityLabels(np.array([0, 0, -1, 1, -1], np.int32))
    result = SingleVideoDenoiser(sigma=0.05, delta=0.1)(
        table, features, labels
    )
    assert result.identity.tolist() == [0, 0, 0, 1, -1]
    assert result.report['reallocated_images'] == 1


def test_equal_looks_in_two_videos_stay_two_identities():
    table = TrackletTable.from_columns(
        video_id=[0, 0, 2, 2],
        tracklet_id=[0, 1, 0, 1],
        frame=[0, 1, 0, 1],
        videos=['a', 'empty', 'c'],
    )
    labels = IdentityLabels.from_tracklets(table)
    result = SingleVideoDenoiser(0.5, 0.5)(table, on_circle([0] * 4), labels)
    assert result.identity.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize('seed', range(12))
def test_invariants_of_random_videos(seed):
    table, features, labels = random_case(seed)
    before = labels.identity.copy()
    sigma, delta, max_loss = 0.3, 0.35, 0.5

    result = SingleVideoDenoiser(sigma, delta, max_loss=max_loss)(
        table, features, labels
    )

    assert_valid(table, labels, result)
    assert np.array_equal(labels.identity, before)
    assert not people_in_two_places(table, result.identity)
    rows = [
        np.flatnonzero(result.identity == k)
        for k in range(result.num_identities)
    ]
    assert all(len(set(table.video_id[own].tolist())) == 1 for own in rows)
    assert result.report['merges'] <= labels.num_identities
    for a, b in itertools.combinations(rows, 2):
        assert not mergeable(table, features, a, b, sigma, delta, max_loss)


def mergeable(table, features, a, b, sigma, delta, max_loss):
    if table.video_id[a[0]] != table.video_id[b[0]]:
        return False
    if set(table.frame[a].tolist()) & set(table.frame[b].tolist()):
        return False
    if 1 - centroid(features[a]) @ centroid(features[b]) > delta - 1e-6:
        return False
    union = np.union1d(a, b)
    kept = union[consistent_rows(features[union], sigma)]
    return 1 - np.isin(min(a, b, key=len), kept).mean() <= max_loss


@pytest.mark.parametrize('seed', range(4))
def test_names_of_identities_do_not_matter(seed):
    table, features, labels = random_case(seed)
    names = np.random.default_rng(seed).permutation(100).astype(np.int32)
    renamed = IdentityLabels(
        np.where(labels.keep, names[labels.identity], -1).astype(np.int32)
    )
    level = SingleVideoDenoiser(0.3, 0.35)
    assert np.array_equal(
        level(table, features, labels).identity,
        level(table, features, renamed).identity,
    )


def test_thresholds_are_checked():
    with pytest.raises(ValueError, match='sigma'):
        SingleVideoDenoiser('auto', 0.5)
    with pytest.raises(ValueError, match='delta'):
        SingleVideoDenoiser(0.5, 0)
