import numpy as np
import pytest

from mmcion.denoising import CrossVideoDenoiser
from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.utils.checks import UserError

from .planted import (
    angles,
    assert_valid,
    centroid,
    doubled_in_a_frame,
    naive_cross_video,
    plant,
    random_case,
    store,
)


def on_circle(degrees):
    return store(angles(*degrees))


def busy_case(seed):
    """Return videos in which identities co-occur, with a pool."""
    return random_case(seed, rows=150, tracklets=8, frames=40)


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


@pytest.mark.parametrize(
    'change',
    [
        {},
        {'half_width': 4},
        {'max_spread': 0.08},
        {'sigma': 0.6, 'max_ratio': 1.0},
        {'sigma': 0.15, 'min_images': 4},
        {'delta': 0.1},
        {'exclude_cooccurring': False},
    ],
    ids=str,
)
@pytest.mark.parametrize('seed', range(5))
def test_equals_the_plain_definition(seed, change):
    case = busy_case(seed)
    settings = {'delta': 0.5, 'max_spread': 0.2, 'sigma': 0.3, **change}

    result = CrossVideoDenoiser(**settings)(*case)

    expected = naive_cross_video(*case, **settings)
    assert result.identity.tolist() == expected.identity.tolist()
    for name, count in expected.report.items():
        assert result.report[name] == count, name


@pytest.mark.parametrize(
    'change',
    [
        {'half_width': 4},
        {'max_spread': 0.08},
        {'sigma': 0.6},
        {'max_ratio': 1.0},
        {'min_images': 4},
        {'delta': 0.1},
        {'exclude_cooccurring': False},
    ],
    ids=str,
)
def test_every_setting_changes_the_result(change):
    case = busy_case(3)
    settings = {'delta': 0.5, 'max_spread': 0.2, 'sigma': 0.3}
    usual = CrossVideoDenoiser(**settings)(*case)
    other = CrossVideoDenoiser(**{**settings, **change})(*case)
    counts = ('merges', 'refused_spread', 'refused_cooccurring')
    assert min(usual.report[name] for name in counts) > 0
    assert usual.report['reallocated_images'] > 0
    assert not np.array_equal(other.identity, usual.identity)


@pytest.mark.parametrize('size', [1, 40])
def test_size_of_the_chunks_changes_nothing(monkeypatch, size):
    case = busy_case(1)
    whole = CrossVideoDenoiser(0.4, 0.25, 0.3)(*case)
    monkeypatch.setattr('mmcion.denoising.grouped_rows.CHUNK_ROWS', size)
    parts = CrossVideoDenoiser(0.4, 0.25, 0.3)(*case)
    assert np.array_equal(parts.identity, whole.identity)
    assert parts.report == whole.report


def test_identities_are_found_again_in_every_video():
    case = plant(3, videos=4, identities=6, pieces=1, foreign=0)
    labels = IdentityLabels.from_tracklets(case.table)
    result = CrossVideoDenoiser(0.3, 0.3, 0.5)(
        case.table, case.features, labels
    )
    expected = IdentityLabels(case.pid.astype(np.int32)).contiguous()
    assert result.identity.tolist() == expected.identity.tolist()


def test_one_identity_in_two_videos_is_linked():
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
    # 0 and 1 co-occur; 2, of another video, looks like both
    case = identities((0, 0, 0), (0, 10, 1), (1, 4, 0))
    result = denoise(case)
    assert result.identity.tolist() == [0, 0, 1, 1, 0, 0]
    assert result.report['refused_cooccurring'] == 1
    free = denoise(case, exclude_cooccurring=False)
    assert free.num_identities == 1


def test_co_occurrence_in_a_third_video_is_remembered():
    # 2 is linked to 1 first, then 1 to 0; 3 co-occurs with 2 only, and may
    # join none of them
    case = identities((0, 0, 0), (1, 3, 0), (2, 4, 0), (2, 12, 1))
    result = denoise(case)
    assert result.identity.tolist() == [0, 0, 0, 0, 0, 0, 1, 1]
    assert result.report['refused_cooccurring'] == 2
    assert denoise(case, exclude_cooccurring=False).num_identities == 1


def test_groups_of_cooccurring_identities_stay_apart():
    # 0 and 1 share a frame; each is near its double of another video, and
    # the doubles are nearer still to each other
    case = identities((0, 0, 0), (0, 20, 1), (1, 9, 0), (2, 11, 0))
    result = denoise(case, delta=0.1)
    # the doubles are joined first, and then with one of the two
    assert result.report['refused_cooccurring'] == 1 + 1
    assert result.identity[0] != result.identity[2]
    assert result.identity[4] == result.identity[6]


def test_equal_frames_of_two_videos_do_not_cooccur():
    result = denoise(identities((0, 0, 3), (1, 0, 3)))
    assert result.num_identities == 1


def test_equal_frames_of_synchronised_videos_cooccur():
    table, features, labels = identities((0, 0, 0), (1, 5, 0), (2, 10, 7))
    settings = {'delta': 0.1, 'max_spread': 0.5, 'sigma': 0.5}
    found = CrossVideoDenoiser(**settings)(table, features, labels)
    assert found.identity.tolist() == [0] * 6
    level = CrossVideoDenoiser(**settings, synchronised=True)
    found = level(table, features, labels)
    assert found.identity.tolist() == [0, 0, 1, 1, 1, 1]
    # the first with the second, and with the third through it
    assert found.report['refused_cooccurring'] == 2


def test_pooled_row_is_one_box_of_a_synchronised_frame():
    # rows of one person in video 0 at frames 0 and 1, in video 1 at frame 5;
    # a pooled row of video 1 is of frame 1
    table = TrackletTable.from_columns(
        video_id=[0, 0, 1, 1], tracklet_id=[0, 0, 0, 1], frame=[0, 1, 5, 1]
    )
    labels = IdentityLabels(np.array([0, 0, 1, -1]))
    settings = {'delta': 0.1, 'max_spread': 0.5, 'sigma': 0.5}
    for synchronised, taken in ((False, 0), (True, -1)):
        level = CrossVideoDenoiser(**settings, synchronised=synchronised)
        found = level(table, on_circle([0, 0, 0, 1]), labels)
        assert found.identity.tolist() == [0, 0, 0, taken]


def test_range_limits_what_is_compared():
    case = identities((0, 0, 0), (1, 90, 0), (2, 180, 0), (3, 2, 0))
    for half_width, found in ((None, 3), (3, 3), (2, 4)):
        assert denoise(case, half_width=half_width).num_identities == found


def test_overlapping_ranges_chain():
    # neighbours in the sequence look alike; every range holds two of them
    places = [(video, 2 * video, 0) for video in range(8)]
    result = denoise(identities(*places), half_width=1)
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


def test_pooled_row_goes_to_no_identity_of_another_video():
    # the row looks like the identity of the other video
    table, features, labels = identities((0, 0, 0), (1, 90, 0), (1, 0, 9))
    labels.identity[4:] = -1
    result = denoise((table, features, labels))
    assert result.identity.tolist() == [0, 0, 1, 1, -1, -1]


def test_identity_of_many_videos_takes_rows_of_each():
    table, features, labels = identities(
        *[(0, 0, 0), (1, 3, 0), (0, 1, 9), (1, 1, 9)][::2],
        *[(1, 3, 0), (1, 1, 9)],
    )
    labels.identity[[2, 3, 6, 7]] = -1
    result = denoise((table, features, labels))
    assert result.identity.tolist() == [0] * 8
    assert result.report['reallocated_images'] == 4


@pytest.mark.parametrize(('frame', 'taken'), [(1, False), (9, True)])
def test_pooled_row_is_one_box_of_its_frame(frame, taken):
    # the pooled row may share a frame with the identity, in its own video
    table = TrackletTable.from_columns(
        video_id=[0, 0, 0, 1, 1],
        tracklet_id=[0, 0, 1, 0, 0],
        frame=[0, 1, frame, 0, 9],
    )
    labels = IdentityLabels(np.array([0, 0, -1, 1, 1], np.int32))
    case = table, on_circle([0] * 5), labels
    result = denoise(case)
    assert result.identity.tolist() == [0, 0, 0 if taken else -1, 0, 0]
    assert denoise(case, exclude_cooccurring=False).keep.all()


def test_nearest_of_the_rows_of_one_frame_is_taken():
    table = TrackletTable.from_columns(
        video_id=[0] * 4, tracklet_id=[0, 0, 1, 2], frame=[0, 1, 7, 7]
    )
    labels = IdentityLabels(np.array([0, 0, -1, -1], np.int32))
    result = denoise((table, on_circle([0, 0, 20, 10]), labels))
    assert result.identity.tolist() == [0, 0, -1, 0]


def test_rows_without_a_feature_stay_unassigned():
    table, _, labels = identities((0, 0, 0), (1, 0, 0))
    features = store(angles(0, 0, 0, 0), unreadable=[1, 2])
    labels.identity[[1, 2]] = -1
    result = CrossVideoDenoiser(0.2, 0.2, 2, min_images=1)(
        table, features, labels
    )
    assert result.identity.tolist() == [0, -1, -1, 0]


def test_doubtful_links_are_the_longest_that_were_accepted():
    table, features, labels = busy_case(0)
    result = CrossVideoDenoiser(0.4, 0.25, 0.3)(table, features, labels)
    links = result.report['doubtful_links']
    assert len(links) == min(result.report['merges'], 24)
    distances = [link['distance'] for link in links]
    assert distances == sorted(distances, reverse=True)
    assert 0 <= distances[-1] <= distances[0] < 0.4
    sizes = np.bincount(labels.identity[labels.keep])
    for link in links:
        owners, centers = [], []
        for side in ('first', 'second'):
            rows = link[side]
            assert rows == sorted(set(rows))
            (owner,) = set(labels.identity[rows].tolist())
            assert len(rows) == min(sizes[owner], 4)
            owners.append(table.video_id[rows[0]])
            own = np.flatnonzero(labels.identity == owner)
            assert {rows[0], rows[-1]} == {own[0], own[-1]}
            centers.append(centroid(features[own]))
        assert owners[0] != owners[1]
        assert link['distance'] == pytest.approx(1 - centers[0] @ centers[1])


def test_names_of_identities_do_not_matter():
    table, features, labels = busy_case(0)
    names = np.random.default_rng(0).permutation(100).astype(np.int32)
    renamed = np.where(labels.keep, names[labels.identity], -1)
    level = CrossVideoDenoiser(0.4, 0.25, 0.3)
    expected = level(table, features, labels)
    found = level(table, features, IdentityLabels(renamed.astype(np.int32)))
    assert np.array_equal(found.identity, expected.identity)
    assert found.report == expected.report


@pytest.mark.parametrize('seed', range(12))
def test_invariants_of_random_videos(seed):
    table, features, labels = busy_case(seed)
    before = labels.identity.copy()

    result = CrossVideoDenoiser(0.4, 0.3, 0.4)(table, features, labels)

    assert_valid(table, labels, result)
    assert np.array_equal(labels.identity, before)
    assert not doubled_in_a_frame(table, result.identity)
    report = result.report
    refused = report['refused_spread'] + report['refused_cooccurring']
    assert report['merges'] + refused <= report['links']
    assert result.num_identities <= labels.num_identities


@pytest.mark.parametrize('seed', range(6))
def test_a_range_over_everything_is_the_exact_search(seed):
    case = busy_case(seed)
    count = case[2].num_identities
    exact = CrossVideoDenoiser(0.4, 0.3, 0.4)(*case)
    for half_width in (count - 1, count, 999):
        ranged = CrossVideoDenoiser(0.4, 0.3, 0.4, half_width)(*case)
        assert np.array_equal(ranged.identity, exact.identity)
        assert ranged.report == exact.report


def test_nothing_assigned_stays_so():
    table, features, labels = identities((0, 0, 0), (1, 0, 0))
    unassigned = IdentityLabels(np.full_like(labels.identity, -1))
    for half_width in (None, 4):
        result = CrossVideoDenoiser(0.4, 0.3, 0.4, half_width)(
            table, features, unassigned
        )
        assert not result.keep.any()
        assert result.report['links'] == 0
        assert result.report['doubtful_links'] == []


def test_a_single_identity_takes_its_rows():
    table, features, labels = identities((0, 0, 0), (0, 1, 5))
    labels.identity[2:] = -1
    result = denoise((table, features, labels))
    assert result.identity.tolist() == [0, 0, 0, 0]
    assert result.report['links'] == 0


def test_table_without_rows():
    table = TrackletTable.from_columns(
        video_id=[], tracklet_id=[], frame=[], videos=['a']
    )
    labels = IdentityLabels(np.zeros(0, np.int32))
    result = denoise((table, store(np.zeros((0, 2))), labels))
    assert result.identity.shape == (0,)


def test_thresholds_are_checked():
    with pytest.raises(UserError, match=r'max_spread .*auto'):
        CrossVideoDenoiser(0.5, 'auto', 0.5)


@pytest.mark.parametrize('half_width', [1e5, 0, 2.5])
def test_half_width_is_a_number_of_places(half_width):
    with pytest.raises(UserError, match=f'half_width .*{half_width}'):
        CrossVideoDenoiser(1, 1, 1, half_width=half_width)
