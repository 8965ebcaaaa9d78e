import itertools

import numpy as np
import pytest

from mmcion.structures import TrackletTable, cooccurring_pairs


def pairs_by_brute_force(table):
    moments = [set() for _ in range(table.num_tracklets)]
    for t, video, frame in zip(
        table.tracklet_index, table.video_id, table.frame, strict=True
    ):
        moments[t].add((int(video), int(frame)))
    return {
        (a, b)
        for a, b in itertools.combinations(range(len(moments)), 2)
        if moments[a] & moments[b]
    }


@pytest.mark.parametrize('seed', range(8))
def test_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, [4, 6, 10], (rng.integers(1, 60), 3))
    video, tracklet, frame = keys[TrackletTable.sort_order(*keys.T)].T
    table = TrackletTable.from_columns(
        video_id=video, tracklet_id=tracklet, frame=frame
    )

    first, second = cooccurring_pairs(table, table.tracklet_index)

    found = list(zip(first.tolist(), second.tolist(), strict=True))
    assert len(set(found)) == len(found)
    assert set(found) == pairs_by_brute_force(table)


def test_equal_frames_of_two_videos_are_no_meeting():
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
