import sys

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from mmcion.evaluation import GroundTruth, match_truth, track_metrics
from mmcion.structures import TrackletTable
from mmcion.utils.checks import MissingPackageError, UserError

ALL = 'all videos'


def place(track):
    """Return a box that overlaps with those of other tracks nowhere."""
    return [100.0 * track, 0, 10, 20]


def make(rows, *, source='street', videos=None):
    """Return a table of (video, tracklet, frame), boxes by tracklet."""
    video, tracklet, frame = np.array(rows).T
    count = int(video.max()) + 1
    return TrackletTable.from_columns(
        video_id=video,
        tracklet_id=tracklet,
        frame=frame,
        box=[place(track) for track in tracklet],
        videos=videos or [f'clip{v}' for v in range(count)],
        sources=[source] * count,
    )


def make_truth(rows):
    """Return true boxes (frame, pid), at the places of tracks."""
    frame, pid = np.array(rows).T
    return GroundTruth(frame, pid, np.array([place(p) for p in pid]))


# two people in four frames
PAIR = make([(0, person, frame) for person in (1, 2) for frame in range(4)])
PAIR_TRUTH = make_truth([(f, p) for f in range(4) for p in (1, 2)])


def test_equal_tracks():
    scores = track_metrics(PAIR, np.repeat([7, 3], 4), PAIR_TRUTH)
    assert list(scores) == [ALL, 'clip0']
    assert scores[ALL] == scores['clip0'] == dict.fromkeys(scores[ALL], 1)
    assert set(scores[ALL]) == {'IDF1', 'IDP', 'IDR', 'HOTA', 'DetA', 'AssA'}


def test_one_person_in_two_halves_and_one_missed():
    identity = np.array([0, 0, 1, 1, -1, -1, -1, -1])
    scores = track_metrics(PAIR, identity, PAIR_TRUTH)[ALL]
    # IDTP 2, IDFP 2, IDFN 6; TP 4, FN 4, FP 0, and each TP: TPA 2, FNA 2
    assert scores == pytest.approx(
        {
            **{'IDP': 2 / 4, 'IDR': 2 / 8, 'IDF1': 4 / 12},
            **{'DetA': 4 / 8, 'AssA': 2 / 4, 'HOTA': 1 / 2},
        }
    )


def test_nobody_is_found():
    scores = track_metrics(PAIR, np.full(8, -1), PAIR_TRUTH)
    assert scores[ALL] == dict.fromkeys(scores[ALL], 0)


def test_ids_are_global():
    # one person, two frames in each clip, another identity in each
    table = make([(0, 1, 0), (0, 1, 1), (1, 1, 2), (1, 1, 3)])
    truth = make_truth([(f, 1) for f in range(4)])
    scores = track_metrics(table, np.array([0, 0, 1, 1]), truth)
    for clip in ('clip0', 'clip1'):
        assert scores[clip] == dict.fromkeys(scores[clip], 1)
    assert scores[ALL]['IDF1'] == pytest.approx(1 / 2)
    assert scores[ALL]['DetA'] == pytest.approx(1)
    assert scores[ALL]['HOTA'] == pytest.approx(np.sqrt(1 / 2))
    scores = track_metrics(table, np.array([5, 5, 5, 5]), truth)
    assert scores[ALL]['HOTA'] == pytest.approx(1)


def test_recordings_follow_each_other():
    columns = {'video_id': [0, 1], 'tracklet_id': [1, 1], 'frame': [0, 0]}
    table = TrackletTable.from_columns(
        **columns, box=[place(1), place(1)], videos=['a', 'b']
    )
    truth = {name: make_truth([(0, 1)]) for name in 'ab'}
    same = track_metrics(table, np.array([0, 0]), truth)
    assert same[ALL]['IDF1'] == 1
    other = track_metrics(table, np.array([0, 1]), truth)
    assert (other[ALL]['IDF1'], other['b']['IDF1']) == (0.5, 1)
    part = track_metrics(table, np.array([0, 1]), {'a': truth['a']})
    assert list(part) == [ALL, 'a']
    assert part[ALL]['IDF1'] == 1
    with pytest.raises(UserError, match="'c'"):
        track_metrics(table, np.array([0, 1]), {'c': truth['a']})


def test_second_box_in_a_frame_is_a_track_of_its_own():
    # both people are identity 0: person 2 is found as a new one every time
    scores = track_metrics(PAIR, np.zeros(8, int), PAIR_TRUTH)[ALL]
    # IDTP 4 + 1, IDFP 3, IDFN 3
    assert scores['IDF1'] == pytest.approx(10 / 16)
    # of person 2, each TP has TPA 1, FNA 3
    assert scores['AssA'] == pytest.approx((4 * 1 + 4 * 1 / 4) / 8)


@pytest.mark.parametrize('first', [0, 3])
def test_frames_between_those_of_the_table_do_not_count(first):
    frames = first + 4 * np.arange(4)
    table = make([(0, 1, f) for f in frames if f != frames[1]])
    truth = make_truth([(f, 1) for f in range(first, frames[-1] + 4)])
    scores = track_metrics(table, np.zeros(3, int), truth)[ALL]
    # the frame that has no crop is one of the four that count
    assert (scores['IDP'], scores['IDR']) == (1, 3 / 4)


def test_true_boxes_outside_of_the_clips():
    table = make([(0, 1, 2), (0, 1, 3), (1, 1, 6), (1, 1, 7)])
    truth = make_truth([(f, 1) for f in range(9)])
    scores = track_metrics(table, np.zeros(4, int), truth)
    # frames 0 to 5, and 6 to 8
    assert scores['clip0']['IDR'] == pytest.approx(2 / 6)
    assert scores['clip1']['IDR'] == pytest.approx(2 / 3)
    assert scores[ALL]['IDR'] == pytest.approx(4 / 9)


def test_recording_without_images():
    table = TrackletTable.from_columns(
        video_id=[1],
        tracklet_id=[1],
        frame=[0],
        box=[place(1)],
        videos=['a', 'b'],
    )
    truth = {name: make_truth([(0, 1)]) for name in 'ab'}
    scores = track_metrics(table, np.zeros(1, int), truth)
    assert scores['a'] == dict.fromkeys(scores['a'], 0)
    assert (scores['b']['IDR'], scores[ALL]['IDR']) == (1, 1 / 2)


def test_overlap():
    table = make([(0, 1, 0)])
    for shift, expected in ((3, 1), (4, 0)):  # 7 / 13, 6 / 14
        truth = make_truth([(0, 1)])
        truth.box += [shift, 0, 0, 0]
        scores = track_metrics(table, np.zeros(1, int), truth)[ALL]
        assert scores['IDF1'] == expected
        # found at overlaps of 0.05, 0.10, ...
        count = int((10 - shift) / (10 + shift) / 0.05)
        assert scores['HOTA'] == pytest.approx(count / 19)


@pytest.mark.parametrize('seed', range(4))
def test_idf1_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    rows = [
        (video, track, 20 * video + frame)
        for video in range(3)
        for track in range(6)
        for frame in range(20)
        if rng.random() < 0.7
    ]
    table = make(rows)
    seen = np.unique(np.array([(f, t) for _, t, f in rows]), axis=0)
    truth = make_truth(seen[rng.random(len(seen)) < 0.8])
    # identities of tracks with some errors, each once in a frame
    identity = table.tracklet_id.copy()
    identity[rng.random(len(table)) < 0.2] = -1
    for frame in np.unique(table.frame):
        here = np.flatnonzero((table.frame == frame) & (identity >= 0))
        if rng.random() < 0.4:
            identity[here] = rng.permutation(identity[here])
    scores = track_metrics(table, identity, truth)
    true = match_truth(table, truth)
    clips = np.minimum(truth.frame // 20, 2)
    parts = {ALL: (np.ones(len(table), bool), np.ones(len(clips), bool))}
    for v in range(3):
        parts[f'clip{v}'] = (table.video_id == v, clips == v)
    for name, (inside, inside_truth) in parts.items():
        used = inside & (identity >= 0)
        counts = np.zeros((6, 6), int)
        both = used & (true >= 0)
        np.add.at(counts, (true[both], identity[both]), 1)
        hits = counts[linear_sum_assignment(counts, maximize=True)].sum()
        num_true, num_found = inside_truth.sum(), used.sum()
        assert scores[name]['IDP'] == pytest.approx(hits / num_found)
        assert scores[name]['IDR'] == pytest.approx(hits / num_true)
        f1 = 2 * hits / (num_true + num_found)
        assert scores[name]['IDF1'] == pytest.approx(f1)


def test_trackeval_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, 'trackeval.metrics', None)
    with pytest.raises(MissingPackageError, match='pip install trackeval'):
        track_metrics(PAIR, np.zeros(8, int), PAIR_TRUTH)
