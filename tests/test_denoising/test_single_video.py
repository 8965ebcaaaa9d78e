import itertools

import numpy as np
import pytest

from mmcion.denoising import SingleVideoDenoiser
from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.utils.checks import UserError

from .planted import (
    angles,
    assert_valid,
    centroid,
    doubled_in_a_frame,
    naive_consistent,
    naive_reallocate,
    plant,
    random_case,
    rows_of,
    store,
)


def on_circle(degrees):
    return store(angles(*degrees))


def one_video(degrees, tracklets, frames=None):
    """Rows of one video, each at an angle; a frame of its own each."""
    table = TrackletTable.from_columns(
        video_id=np.zeros(len(degrees)),
        tracklet_id=tracklets,
        frame=np.arange(len(degrees)) if frames is None else frames,
    )
    return table, on_circle(degrees), IdentityLabels.from_tracklets(table)


def loss_of(feats, smaller, larger, sigma):
    """Return the rows a merge keeps, and the smaller side's loss."""
    union = np.union1d(smaller, larger)
    kept = union[naive_consistent(feats[union], sigma)]
    return kept, (~np.isin(smaller, kept)).mean()


def merge_plainly(table, feats, identity, sigma, delta, max_loss):
    """Merge the closest pair that may, all distances anew every time."""
    merges, refused = 0, set()
    while True:
        members = rows_of(identity)
        pairs = []
        for a, b in itertools.combinations(members, 2):
            one, other = members[a], members[b]
            distance = 1 - centroid(feats[one]) @ centroid(feats[other])
            cooccur = np.isin(table.frame[one], table.frame[other]).any()
            same_video = table.video_id[one[0]] == table.video_id[other[0]]
            if distance < delta and same_video and not cooccur:
                pairs.append((distance, a, b))
        for _, a, b in sorted(pairs):
            key = (*members[a].tolist(), -1, *members[b].tolist())
            if key in refused:
                continue
            smaller, larger = sorted((members[a], members[b]), key=len)
            kept, lost = loss_of(feats, smaller, larger, sigma)
            if lost > max_loss:
                refused.add(key)
                continue
            identity[np.isin(identity, (a, b))] = -1
            identity[kept] = a
            merges += 1
            break
        else:
            return merges


def denoise_plainly(table, features, labels, sigma, delta, **kwargs):
    """Level 2 as it is defined, in all videos at once."""
    identity = labels.contiguous().identity
    feats = features[0 : len(table)].astype(np.float64)
    total = {'reallocated_images': 0, 'merges': 0}
    for _ in range(kwargs['max_rounds']):
        before = identity
        identity = naive_reallocate(
            table, feats, identity, sigma, kwargs['max_ratio']
        )
        moved = int((identity != before).sum())
        merges = merge_plainly(
            table, feats, identity, sigma, delta, kwargs['max_loss']
        )
        total['reallocated_images'] += moved
        total['merges'] += merges
        if not moved and not merges:
            break
    return IdentityLabels(identity, total).contiguous()


def busy_case(seed):
    """Return three videos in which all identities have several tracklets."""
    return random_case(seed, rows=150, tracklets=12, frames=40)


@pytest.mark.parametrize('max_loss', [0.0, 0.5])
@pytest.mark.parametrize(('sigma', 'max_ratio'), [(0.25, 0.7), (0.5, 1.0)])
@pytest.mark.parametrize('max_rounds', [1, 10])
@pytest.mark.parametrize('seed', range(5))
def test_equals_the_plain_loop(seed, max_rounds, sigma, max_ratio, max_loss):
    case = busy_case(seed)
    settings = {
        'max_rounds': max_rounds,
        'max_ratio': max_ratio,
        'max_loss': max_loss,
    }
    result = SingleVideoDenoiser(sigma, 0.4, **settings)(*case)
    expected = denoise_plainly(*case, sigma, 0.4, **settings)
    assert result.identity.tolist() == expected.identity.tolist()
    assert result.report == expected.report
    assert min(result.report.values()) > 0


def test_every_setting_changes_the_result():
    case = busy_case(3)
    settings = {'sigma': 0.2, 'delta': 0.4, 'max_loss': 0.5, 'max_ratio': 0.7}
    usual = SingleVideoDenoiser(**settings)(*case)
    for change in (
        {'sigma': 0.5},
        {'delta': 0.2},
        {'max_loss': 0.1},
        {'max_ratio': 1.0},
        {'max_rounds': 1},
        {'exclude_cooccurring': False},
    ):
        other = SingleVideoDenoiser(**{**settings, **change})(*case)
        assert not np.array_equal(other.identity, usual.identity), change


@pytest.mark.parametrize('seed', range(4))
def test_many_videos_are_each_video_alone(seed):
    table, features, labels = busy_case(seed)
    level = SingleVideoDenoiser(0.3, 0.35)
    result = level(table, features, labels)
    counts = {'reallocated_images': 0, 'merges': 0}
    for start, stop in itertools.pairwise(table.video_ptr.tolist()):
        rows = slice(start, stop)
        alone = TrackletTable.from_columns(
            video_id=0 * table.video_id[rows],
            tracklet_id=table.tracklet_id[rows],
            frame=table.frame[rows],
        )
        expected = level(
            alone, store(features[rows]), IdentityLabels(labels.identity[rows])
        )
        found = IdentityLabels(result.identity[rows]).contiguous()
        assert found.identity.tolist() == expected.identity.tolist()
        for name, count in expected.report.items():
            counts[name] += count
    assert result.report == counts
    assert min(counts.values()) > 0


@pytest.mark.parametrize('size', [1, 40])
def test_size_of_the_chunks_changes_nothing(monkeypatch, size):
    case = busy_case(1)
    whole = SingleVideoDenoiser(0.3, 0.35)(*case)
    monkeypatch.setattr('mmcion.denoising.grouped_rows.CHUNK_ROWS', size)
    parts = SingleVideoDenoiser(0.3, 0.35)(*case)
    assert np.array_equal(parts.identity, whole.identity)
    assert parts.report == whole.report


def test_pieces_of_a_walk_are_joined():
    case = plant(3, videos=2, identities=6, foreign=0)
    labels = IdentityLabels.from_tracklets(case.table)
    result = SingleVideoDenoiser(0.3, 0.3)(case.table, case.features, labels)
    who = case.table.video_id * 100 + case.pid
    found = IdentityLabels(who.astype(np.int32)).contiguous()
    assert result.identity.tolist() == found.identity.tolist()


def test_two_tracklets_of_one_identity_are_merged():
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


def test_cooccurring_identities_are_never_joined():
    case = one_video([0, 0, 1, 1], [0, 0, 1, 1], frames=[4, 5, 5, 6])
    kept = SingleVideoDenoiser(0.5, 0.5)(*case)
    free = SingleVideoDenoiser(0.5, 0.5, exclude_cooccurring=False)(*case)
    assert kept.identity.tolist() == [0, 0, 1, 1]
    assert free.identity.tolist() == [0, 0, 0, 0]


def test_a_merge_inherits_cooccurring_pairs():
    # 1 joins 0 first; 2 co-occurs with 1 only, but may not join both
    case = one_video(
        [0, 0, 1, 1, 8, 8], [0, 0, 1, 1, 2, 2], frames=[0, 1, 2, 3, 3, 4]
    )
    result = SingleVideoDenoiser(0.5, 0.5)(*case)
    assert result.identity.tolist() == [0, 0, 0, 0, 1, 1]


def test_merge_that_would_lose_the_smaller_side_is_refused():
    # cooccur six rows at 0 degrees both rows at 50 fall out of sigma
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
    table, features, labels = busy_case(seed)
    before = labels.identity.copy()
    sigma, delta, max_loss = 0.3, 0.35, 0.5

    result = SingleVideoDenoiser(sigma, delta, max_loss=max_loss)(
        table, features, labels
    )

    assert_valid(table, labels, result)
    assert np.array_equal(labels.identity, before)
    assert not doubled_in_a_frame(table, result.identity)
    rows = [
        np.flatnonzero(result.identity == k)
        for k in range(result.num_identities)
    ]
    assert all(len(set(table.video_id[own].tolist())) == 1 for own in rows)
    assert result.report['merges'] <= labels.num_identities
    for a, b in itertools.combinations(rows, 2):
        assert not mergeable(table, features, a, b, sigma, delta, max_loss)


def test_rows_without_a_feature_stay_unassigned():
    # a zero feature is at distance 1 from all
    table, _, labels = one_video([0] * 5, [0, 0, 0, 1, 1])
    features = store(angles(0, 0, 0, 2, 2), unreadable=[1, 4])
    labels.identity[[1, 4]] = -1
    result = SingleVideoDenoiser(2, 0.1)(table, features, labels)
    assert result.identity.tolist() == [0, -1, 0, 0, -1]
    assert result.report['reallocated_images'] == 0


@pytest.mark.parametrize('other', [2, 3])
def test_identity_that_spans_videos_is_refused(other):
    table = TrackletTable.from_columns(
        video_id=[0, 0, 1, 1], tracklet_id=[0, 0, 0, 1], frame=[0, 1, 0, 0]
    )
    names = np.array([5, -1, 8, 9], np.int32)
    features = on_circle([0] * 4)
    SingleVideoDenoiser(0.5, 0.5)(table, features, IdentityLabels(names))
    names[other] = 5
    with pytest.raises(UserError, match=r'^1 rows .* another video'):
        SingleVideoDenoiser(0.5, 0.5)(table, features, IdentityLabels(names))


@pytest.mark.parametrize('identity', [[], [-1, -1, -1]])
def test_nothing_is_assigned(identity):
    table, features, _ = one_video([0] * len(identity), identity)
    labels = IdentityLabels(np.array(identity, np.int32))
    result = SingleVideoDenoiser(0.5, 0.5)(table, features, labels)
    assert result.identity.tolist() == identity
    assert result.report == {'reallocated_images': 0, 'merges': 0}


def mergeable(table, features, a, b, sigma, delta, max_loss):
    if table.video_id[a[0]] != table.video_id[b[0]]:
        return False
    if set(table.frame[a].tolist()) & set(table.frame[b].tolist()):
        return False
    if 1 - centroid(features[a]) @ centroid(features[b]) > delta - 1e-6:
        return False
    feats = features[0 : len(table)]
    return loss_of(feats, *sorted((a, b), key=len), sigma)[1] <= max_loss


@pytest.mark.parametrize('seed', range(4))
def test_names_of_identities_do_not_matter(seed):
    table, features, labels = busy_case(seed)
    names = np.random.default_rng(seed).permutation(100).astype(np.int32)
    renamed = IdentityLabels(
        np.where(labels.keep, names[labels.identity], -1).astype(np.int32)
    )
    level = SingleVideoDenoiser(0.3, 0.35)
    assert np.array_equal(
        level(table, features, labels).identity,
        level(table, features, renamed).identity,
    )


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('sigma', 'auto'),
        ('sigma', None),
        ('delta', 0),
        ('max_loss', 5),
        ('max_ratio', None),
        ('max_rounds', 2.5),
        ('max_rounds', 0),
        ('exclude_cooccurring', 'no'),
    ],
)
def test_arguments_outside_their_range(name, value):
    with pytest.raises(UserError, match=f'{name} .*{value}'):
        SingleVideoDenoiser(**{'sigma': 0.3, 'delta': 0.3, name: value})
