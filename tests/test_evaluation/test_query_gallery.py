import numpy as np
import pytest

from mmcion.evaluation import query_gallery_split, tracks_across_cuts
from mmcion.structures import TrackletTable
from mmcion.utils.checks import UserError


def clips(*rows, videos=('a', 'b'), sources=None):
    """Build a table of (video, track, frame), two clips of one recording."""
    video, track, frame = np.array(sorted(rows)).T
    return TrackletTable.from_columns(
        video_id=video,
        tracklet_id=track,
        frame=frame,
        videos=videos,
        sources=sources or ['street'] * len(videos),
    )


def test_tracks_across_the_cut_that_were_seen_together():
    table = clips(
        *((0, 1, 8), (0, 1, 9), (1, 1, 10)),  # across the cut
        *((0, 2, 9), (1, 2, 10)),  # across the cut, beside track 1
        *((0, 3, 9), (0, 3, 8)),  # ends before the cut
        (1, 4, 10),  # begins after it
    )
    label = tracks_across_cuts(table)
    found = dict(zip(table.tracklet_id.tolist(), label.tolist(), strict=True))
    assert found == {1: 0, 2: 1, 3: -1, 4: -1}


def test_longest_tracks_are_chosen_first():
    # 1 was seen with 2 and with 3, but 2 and 3 never met; 3 is longer
    table = clips(
        *((0, 1, 1), (0, 1, 5), (1, 1, 10), (1, 1, 11)),
        *((0, 2, 1), (1, 2, 12)),
        *((0, 3, 5), (1, 3, 10), (1, 3, 11)),
    )
    label = tracks_across_cuts(table)
    assert label[table.tracklet_id == 1].tolist() == [0] * 4
    assert label[table.tracklet_id == 3].tolist() == [1] * 3
    assert label[table.tracklet_id == 2].tolist() == [-1] * 2


def test_equal_ids_of_two_recordings_are_two_identities():
    table = clips((0, 1, 5), (1, 1, 6), videos=('a', 'b'), sources=('a', 'b'))
    assert tracks_across_cuts(table).tolist() == [-1, -1]


def test_table_without_rows_has_nobody():
    table = TrackletTable.from_columns(
        video_id=[], tracklet_id=[], frame=[], videos=['a']
    )
    assert tracks_across_cuts(table).shape == (0,)


@pytest.mark.parametrize('seed', range(8))
def test_every_two_chosen_were_seen_together(seed):
    rng = np.random.default_rng(seed)
    rows = {tuple(row) for row in rng.integers(0, [3, 8, 12], (120, 3))}
    table = clips(*rows, videos=('a', 'b', 'c'))

    label = tracks_across_cuts(table)

    moments = [
        {
            (int(v), int(f))
            for v, f in zip(
                table.video_id[label == k],
                table.frame[label == k],
                strict=True,
            )
        }
        for k in range(label.max() + 1)
    ]
    assert len(moments) > 1
    for a in range(len(moments)):
        track = np.unique(table.tracklet_id[label == a])
        assert len(track) == 1
        assert (label[table.tracklet_id == track[0]] == a).all()
        assert len(np.unique(table.video_id[label == a])) > 1
        for b in range(a):
            assert moments[a] & moments[b]


def test_same_number_of_every_identity_and_camera():
    pid = np.repeat([0, 0, 1, 1], [50, 9, 30, 100])
    cam_id = np.repeat([0, 1, 0, 1], [50, 9, 30, 100])

    rows, is_query = query_gallery_split(
        pid, cam_id, images_per_camera=20, queries_per_camera=4
    )

    assert np.all(np.diff(rows) > 0)
    for identity, camera, images in ((0, 0, 20), (0, 1, 9), (1, 0, 20)):
        here = (pid[rows] == identity) & (cam_id[rows] == camera)
        assert here.sum() == images
        assert is_query[here].sum() == 4
    # evenly spaced, from the first image to the last
    assert rows[0] == 0
    assert 49 in rows
    assert np.diff(rows[:20]).max() <= 3


def test_single_images_are_gallery():
    pid = np.array([0, 0, 0, 1, 1])
    cam_id = np.array([0, 0, 1, 0, 1])
    rows, is_query = query_gallery_split(pid, cam_id)
    assert rows.tolist() == [0, 1, 2, 3, 4]
    assert is_query.tolist() == [True, False, False, False, False]


def test_identities_of_one_camera_and_unknown_ones_are_ignored():
    pid = np.array([5, 5, 7, 7, 7, 9, 9, 9, -1, -1])
    cam_id = np.array([0, 0, 0, 0, 1, 0, 1, 1, 0, 1])
    rows, _ = query_gallery_split(pid, cam_id)
    assert rows.tolist() == [2, 3, 4, 5, 6, 7]


def test_one_identity_is_no_test():
    pid, cam_id = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 0])
    with pytest.raises(UserError, match='1 such identities'):
        query_gallery_split(pid, cam_id)


def test_split_without_any_query_is_refused():
    pid, cam_id = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    with pytest.raises(UserError, match='0 queries'):
        query_gallery_split(pid, cam_id)
