import numpy as np
import pytest

from mmcion.registry import TRACKERS
from mmcion.utils.checks import UserError
from mmcion.video import Detections


def people(frame, *, score=0.9):
    """Two people who pass each other, in changing order."""
    boxes = [
        [10 + 3 * frame, 10, 40 + 3 * frame, 90],
        [300 - 3 * frame, 100, 330 - 3 * frame, 180],
    ]
    order = [0, 1] if frame % 2 else [1, 0]
    return Detections(np.array(boxes)[order], [score] * 2), order


@pytest.fixture
def tracker():
    tracker = TRACKERS.build({'type': 'ByteTrack'})
    tracker.reset(10.0)
    return tracker


def test_ids_belong_to_the_boxes_in_their_order(tracker):
    seen = {0: set(), 1: set()}
    for frame in range(20):
        detections, order = people(frame)
        ids = tracker.update(detections)
        assert ids.shape == (2,)
        for person, track in zip(order, ids, strict=True):
            seen[person].add(int(track))

    tracks = [ids - {-1} for ids in seen.values()]
    assert [len(ids) for ids in tracks] == [1, 1]
    assert tracks[0] != tracks[1]


def test_a_track_needs_two_frames(tracker):
    assert tracker.update(people(0)[0]).tolist() == [-1, -1]
    assert (tracker.update(people(1)[0]) >= 0).all()


def test_doubtful_boxes_start_no_track(tracker):
    for frame in range(5):
        ids = tracker.update(people(frame, score=0.35)[0])
        assert ids.tolist() == [-1, -1]


def test_frames_without_people(tracker):
    assert tracker.update(Detections.empty()).shape == (0,)
    for frame in range(3):
        before = tracker.update(people(frame)[0])
    assert tracker.update(Detections.empty()).shape == (0,)
    after = tracker.update(people(4)[0])
    assert sorted(after) == sorted(before)


def test_reset_forgets(tracker):
    for frame in range(3):
        first = tracker.update(people(frame)[0])
    tracker.reset(10.0)
    assert tracker.update(people(0)[0]).tolist() == [-1, -1]
    for frame in range(1, 3):
        again = tracker.update(people(frame)[0])
    assert sorted(first) == sorted(again)


@pytest.mark.parametrize(('fps', 'kept'), [(5.0, False), (30.0, True)])
def test_lost_time_is_in_seconds(fps, kept):
    tracker = TRACKERS.build({'type': 'ByteTrack', 'lost_seconds': 1.0})
    tracker.reset(fps)
    still = Detections([[10, 10, 40, 90]], [0.9])
    for _ in range(3):
        (before,) = tracker.update(still)
    for _ in range(10):
        tracker.update(Detections.empty())
    for _ in range(2):
        (after,) = tracker.update(still)
    assert (after == before) == kept


def test_given_ids():
    tracker = TRACKERS.build({'type': 'GivenIds'})
    boxes = np.zeros((3, 4))

    ids = tracker.update(Detections(boxes, np.ones(3), [5, -7, 0]))

    assert ids.tolist() == [5, -1, 0]
    with pytest.raises(UserError, match='ByteTrack'):
        tracker.update(Detections(boxes, np.ones(3)))


def test_boxes_without_ids_go_to_the_other_tracker():
    tracker = TRACKERS.build(
        {'type': 'GivenIds', 'otherwise': {'type': 'ByteTrack'}}
    )
    tracker.reset(10)
    box = np.array([[10, 10, 30, 60]], np.float32)
    plain = Detections(box, np.array([0.9]))
    ids = [tracker.update(plain).tolist() for _ in range(4)]
    assert ids[-1] == ids[-2] != [-1]
    given = Detections(box, np.array([0.9]), np.array([7]))
    assert tracker.update(given).tolist() == [7]
