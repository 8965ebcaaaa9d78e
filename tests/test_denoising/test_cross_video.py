import numpy as np
import pytest

from mmcion.denoising import CrossVideoDenoiser
from mmcion.structures import IdentityLabels, TrackletTable

from .planted import assert_valid, people_in_two_places, random_case, store


def on_circle(degrees):
    angle = np.radians(degrees)
    return store(np.stack((np.cos(angle), np.sin(angle)), 1))


def identities(*places):
    """Build two rows per identity, given as (video, angle, first frame)."""
    video, degrees, start = np.repeat(np.array(places), 2, axis=0).T
    table = TrackletTable.from_columns(
        video_id=video.astype(int),
        tracklet_id=np.repeat(np.arange(len(places)), 2),
        frame=start.astype(int) + np.tile([0, 1], len(places)),
    )
    labels = IdentityLabels.from_tracklets(table)
    return table, on_circle(degrees), labels


def denoise(case, *, delta=0.2, max_spread=0.2, sigma=0.5, **kwargs):
    return CrossVideoDenoiser(delta, max_spread, sigma, **kwargs)(*case)


def test_one_person_in_two_videos_is_linked():
    case = identities((0, 0, 0), (0, 90, 10), (1, 5, 0), (1, 95, 0))
    result = denoise(case)
    assert result.identity.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]
    assert result.report['links'] == result.report['merges'] == 2


def test_identities_of_one_video_are_not_linked():
    result = denoise(identities((0, 0, 0), (0, 1, 10)))
    assert result.num_identities == 2
    assert result.report['links'] == 0


@pytest.mark.parametrize(('max_spread', 'found'), [(0.1, 2), (0.15, 1)])
def test_chain_of_links_is_guarded(max_spread, found):
    # 30 degrees are 0.13: every neighbour is linked, but a group of all
    # three has members 0.13 from its centroid, a group of two 0.03
    case = identities((0, 0, 0), (1, 30, 0), (2, 61, 0))
    result = denoise(case, max_spread=max_spread)
    assert result.num_identities == found
    assert result.report['links'] == 2
    assert result.report['refused_spread'] == 2 - (3 - found)
    # the shorter of the two links was taken
    assert result.identity[0] == result.identity[2]


@pytest.mark.parametrize(('max_spread', 'found'), [(0.05, 2), (0.1, 1)])
def test_centroid_of_a_group_weighs_all_its_images(max_spread, found):
    # with three members at 0 the centroid lies at 7 degrees, and the one
    # at 30 is 0.08 away; in the middle it would be 0.03
    case = identities((0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 30, 0))
    assert denoise(case, max_spread=max_spread).num_identities == found


def test_co_occurrence_through_a_chain_is_refused():
    # 0 and 1 were seen together; 2, of another video, looks like both
    case = identities((0, 0, 0), (0, 10, 1), (1, 4, 0))
    result = denoise(case)
    assert result.identity.tolist() == [0, 0, 1, 1, 0, 0]
    assert result.report['refused_cooccurring'] == 1
    free = denoise(case, exclude_cooccurring=False)
    assert free.num_identities == 1


def test_equal_frames_of_two_videos_are_no_meeting():
    result = denoise(identities((0, 0, 3), (1, 0, 3)))
    assert result.num_identities == 1


def test_range_limits_who_is_compared():
    places = [(0, 0, 0), (1, 90, 0), (2, 180, 0), (3, 2, 0)]
    assert denoise(identities(*places)).num_identities == 3
    near = denoise(identities(*places), range_size=3, stride=1)
    far = denoise(identities(*places), range_size=4, stride=1)
    assert near.num_identities == 4
    assert far.num_identities == 3


def test_stride_is_half_of_the_range():
    assert CrossVideoDenoiser(1, 1, 1, range_size=9).stride == 4
    assert CrossVideoDenoiser(1, 1, 1, range_size=1).stride == 1


def test_overlapping_ranges_chain():
    # neighbours in the sequence look alike; every range holds two of them
    places = [(video, 2 * video, 0) for video in range(8)]
    result = denoise(identities(*places), range_size=2, stride=1)
    assert result.num_identities == 1


def test_row_far_from_the_merged_identity_falls_out():
    table = TrackletTable.from_columns(
        video_id=[0] * 4 + [1] * 4,
        tracklet_id=[0] * 8,
        frame=[0, 1, 2, 3] * 2,
    )
    labels = IdentityLabels.from_tracklets(table)
    features = on_circle([0, 0, 0, 40, 0, 0, 0, 0])
    result = CrossVideoDenoiser(0.2, 0.2, 0.1)(table, features, labels)
    assert result.identity.tolist() == [0, 0, 0, -1, 0, 0, 0, 0]
    assert result.report['removed_images'] == 1


def test_pooled_row_goes_to_an_identity_of_its_video():
    table, features, labels = identities((0, 0, 0), (1, 3, 0), (1, 90, 9))
    labels.identity[5] = labels.identity[1] = -1
    # single rows would be dissolved by level 1
    result = CrossVideoDenoiser(0.2, 0.2, 0.5, min_images=1)(
        table, features, IdentityLabels(labels.identity)
    )
    assert result.identity.tolist() == [0, 0, 0, 0, 1, 1]
    assert result.report['reallocated_images'] == 2


@pytest.mark.parametrize('seed', range(12))
def test_invariants_of_random_videos(seed):
    table, features, labels = random_case(seed)
    before = labels.identity.copy()

    result = CrossVideoDenoiser(0.4, 0.3, 0.4)(table, features, labels)

    assert_valid(table, labels, result)
    assert np.array_equal(labels.identity, before)
    assert not people_in_two_places(table, result.identity)
    report = result.report
    refused = report['refused_spread'] + report['refused_cooccurring']
    assert report['merges'] + refused <= report['links']
    assert result.num_identities <= labels.num_identities


@pytest.mark.parametrize('seed', range(6))
def test_a_range_over_everything_is_the_exact_search(seed):
    case = random_case(seed)
    count = case[2].num_identities
    exact = CrossVideoDenoiser(0.4, 0.3, 0.4)(*case)
    for range_size, stride in ((count, count), (count, 1), (999, 400)):
        ranged = CrossVideoDenoiser(
            0.4, 0.3, 0.4, range_size=range_size, stride=stride
        )(*case)
        assert np.array_equal(ranged.identity, exact.identity)
        assert ranged.report == exact.report


def test_nothing_assigned_stays_so():
    table, features, labels = identities((0, 0, 0), (1, 0, 0))
    nobody = IdentityLabels(np.full_like(labels.identity, -1))
    result = CrossVideoDenoiser(0.4, 0.3, 0.4)(table, features, nobody)
    assert not result.keep.any()


def test_thresholds_are_checked():
    with pytest.raises(ValueError, match='max_spread'):
        CrossVideoDenoiser(0.5, 'auto', 0.5)
    with pytest.raises(ValueError, match='stride'):
        denoise(identities((0, 0, 0)), range_size=4, stride=5)
