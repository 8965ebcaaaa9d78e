import itertools

import numpy as np
import pytest

from mmcion.structures import TrackletTable, cooccurring_pairs


def pairs_by_brute_force(table, group):
    moments = {}
    for k, video, frame in zip(
        group.tolist(), table.video_id, table.frame, strict=True
    ):
        if k >= 0:
            moments.setdefault(k, set()).add((int(video), int(frame)))
    return [
        (a, b)
        for a, b in itertools.combinations(sorted(moments), 2)
        if moments[a] & moments[b]
    ]


def random_table(seed):
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, [4, 6, 10], (rng.integers(1, 60), 3))
    video, tracklet, frame = keys[TrackletTable.sort_order(*keys.T)].T
    return TrackletTable.from_columns(
        video_id=video,
        tracklet_id=tracklet,
        frame=frame,
        videos=['a', 'b', 'c', 'd', 'empty'],
    )


def pairs(table, group):
    first, second = cooccurring_pairs(table, group)
    assert first.dtype == second.dtype == np.int64
    return list(zip(first.tolist(), second.tolist(), strict=True))


@pytest.mark.parametrize('seed', range(8))
def test_equals_brute_force(seed):
    table = random_table(seed)
    group = table.tracklet_index
    assert pairs(table, group) == pairs_by_brute_force(table, group)


@pytest.mark.parametrize('names', [[-1, 0, 1, 2], [-1, 9, 400, 31, 70]])
@pytest.mark.parametrize('seed', range(8))
def test_groups_span_videos_and_ignore_unassigned_rows(seed, names):
    table = random_table(seed)
    rng = np.random.default_rng(seed)
    group = rng.choice(names, len(table)).astype(np.int32)
    before = group.copy()
    assert pairs(table, group) == pairs_by_brute_force(table, group)
    assert np.array_equal(group, before)


def test_pair_of_two_videos_is_returned_once():
    table = TrackletTable.from_columns(
        video_id=[0, 0, 1, 1], tracklet_id=[0, 1, 0, 1], frame=[5, 5, 2, 2]
    )
    assert pairs(table, np.array([8, 3, 3, 8])) == [(3, 8)]


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('min_frames', [1, 2, 3])
def test_pairs_share_at_least_so_many_frames(seed, min_frames):
    table = random_table(seed)
    group = np.random.default_rng(seed).integers(-1, 5, len(table))
    moments = {
        k: {
            (int(table.video_id[row]), int(table.frame[row]))
            for row in np.flatnonzero(group == k)
        }
        for k in range(5)
    }
    expected = [
        (a, b)
        for a, b in itertools.combinations(range(5), 2)
        if len(moments[a] & moments[b]) >= min_frames
    ]
    first, second = cooccurring_pairs(table, group, min_frames=min_frames)
    found = list(zip(first.tolist(), second.tolist(), strict=True))
    assert found == expected


def test_two_boxes_of_one_group_are_not_a_pair():
    table = TrackletTable.from_columns(
        video_id=[0, 0], tracklet_id=[0, 1], frame=[5, 5]
    )
    assert pairs(table, np.array([4, 4])) == []


def test_large_numbers_of_groups_do_not_overflow():
    table = TrackletTable.from_columns(
        video_id=[0, 0], tracklet_id=[0, 1], frame=[5, 5]
    )
    group = np.array([2**31 - 1, 2**31 - 2], np.int32)
    assert pairs(table, group) == [(2**31 - 2, 2**31 - 1)]


def test_no_row_is_assigned():
    table = random_table(0)
    assert pairs(table, np.full(len(table), -1, np.int32)) == []


@pytest.mark.parametrize('seed', range(5))
def test_one_frame_of_synchronised_videos_is_one_moment(seed):
    table = random_table(seed)
    group = table.tracklet_index
    clock = TrackletTable.from_columns(
        video_id=np.zeros(len(table), int),
        tracklet_id=np.arange(len(table)),
        frame=table.frame,
    )
    first, second = cooccurring_pairs(table, group, synchronised=True)
    found = list(zip(first.tolist(), second.tolist(), strict=True))
    assert found == pairs_by_brute_force(clock, group)


def test_equal_frames_of_two_videos_do_not_co_occur():
    table = TrackletTable.from_columns(
        video_id=[0, 1], tracklet_id=[0, 0], frame=[5, 5]
    )
    assert len(cooccurring_pairs(table, table.tracklet_index)[0]) == 0


def test_table_without_rows():
    table = TrackletTable.from_columns(
        video_id=[], tracklet_id=[], frame=[], videos=['a']
    )
    first, second = cooccurring_pairs(table, table.tracklet_index)
    assert first.shape == second.shape == (0,)
