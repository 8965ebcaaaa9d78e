from functools import partial

import numpy as np
import pytest
import supervision as sv
import trackers

from mmcion.adapters import ReIDEncoder, ReIDTracker
from mmcion.utils.checks import UserError

from .extractor import boxes, tiny_extractor

FRAME = np.zeros((200, 400, 3), np.uint8)
ANNA, BERT, CARL = np.eye(3, 8) + 0.05  # cosines of 0.16


class Scene:
    """Boxes whose ids and features a test states; tracker and encoder."""

    def show(self, **people):
        """Show tracks with features, such as ``t4=ANNA``."""
        self.features = list(people.values())
        found = boxes(*[[10 * i, 0, 10 * i + 5, 20] for i in range(9)])
        found = found[: len(people)]
        found.data = {'row': np.arange(len(people))}
        found.tracker_id = np.array([int(x[1:]) for x in people], int)
        return found

    def update(self, detections, frame):
        return detections

    def reset(self):
        pass

    def extract_features(self, detections, frame):
        rows = detections.data['row']
        return np.array(self.features)[rows]


@pytest.fixture
def scene():
    return Scene()


@pytest.fixture
def tracker(scene):
    """A tracker that has seen Anna as 0 and Bert as 1 for a while."""
    tracker = ReIDTracker(scene, scene, false_match_rate=0.1, min_images=2)
    for _ in range(30):
        tracker.update(scene.show(t4=ANNA, t7=BERT), FRAME)
    return tracker


def ids(tracker, scene, **people):
    return tracker.update(scene.show(**people), FRAME).tracker_id.tolist()


def test_ids_count_from_zero_and_wait_for_images(scene):
    tracker = ReIDTracker(scene, scene, min_images=3)
    shown = [ids(tracker, scene, t4=ANNA, t7=BERT) for _ in range(4)]
    assert shown == [[-1, -1], [-1, -1], [0, 1], [0, 1]]


def test_who_comes_back_has_the_old_id(tracker, scene):
    assert ids(tracker, scene, t4=ANNA) == [0]
    # Bert under a new number, and somebody who was not seen before
    assert ids(tracker, scene, t4=ANNA, t8=BERT, t9=CARL) == [0, -1, -1]
    assert ids(tracker, scene, t4=ANNA, t8=BERT, t9=CARL) == [0, 1, 2]


def test_who_is_in_the_frame_is_nobody_else(tracker, scene):
    for _ in range(3):
        last = ids(tracker, scene, t4=ANNA, t8=ANNA)
    assert last == [0, 2]


def test_revived_track_does_not_take_its_id_back(tracker, scene):
    for _ in range(2):
        assert ids(tracker, scene, t4=ANNA, t8=BERT)[0] == 0
    for _ in range(3):
        last = ids(tracker, scene, t4=ANNA, t8=BERT, t7=BERT)
    assert last == [0, 1, 2]


def test_nothing_is_joined_before_people_were_seen_together(scene):
    tracker = ReIDTracker(scene, scene, min_images=1)
    for _ in range(30):
        assert ids(tracker, scene, t4=ANNA) == [0]
    # one identity is out of sight: 20 pairs are needed for a rate of 0.05
    assert ids(tracker, scene, t5=ANNA) == [1]


def test_threshold_is_that_of_people_seen_together(tracker, scene):
    # as unlike Bert as he and Anna are: no match
    other = np.eye(8)[5] + 0.05
    for _ in range(2):
        last = ids(tracker, scene, t4=ANNA, t8=other)
    assert last == [0, 1] or last == [0, 2]
    # as like as he is to himself
    near = BERT + 0.2 * np.eye(8)[6]
    for _ in range(2):
        last = ids(tracker, scene, t4=ANNA, t9=near)
    assert last == [0, 1]


def test_boxes_without_track_or_feature_keep_minus_one(tracker, scene):
    found = scene.show(t4=ANNA, t7=np.zeros(8))
    found.tracker_id[0] = -1
    found = tracker.update(found, FRAME)
    assert found.tracker_id.tolist() == [-1, 1]
    assert not len(tracker.update(scene.show(), FRAME))
    # a box outside the frame changed nobody's feature
    for _ in range(2):
        last = ids(tracker, scene, t8=BERT)
    assert last == [1]


def test_reset_forgets(tracker, scene):
    tracker.reset()
    for _ in range(2):
        last = ids(tracker, scene, t1=BERT)
    assert last == [0]


@pytest.mark.parametrize(
    'options', [{'false_match_rate': 1.0}, {'min_images': 0}]
)
def test_wrong_options(options, scene):
    (name,) = options
    with pytest.raises(UserError, match=name):
        ReIDTracker(scene, scene, **options)


@pytest.mark.parametrize(
    ('tracker', 'encoder', 'message'),
    [
        (Scene, Scene(), r'tracker must be an object with update\(\)'),
        (Scene(), Scene, 'encoder must be an object with extract_features'),
        (ReIDEncoder(None), Scene(), 'tracker must be'),
        (Scene(), print, 'encoder must be'),
    ],
)
def test_wrong_parts(tracker, encoder, message):
    with pytest.raises(UserError, match=message):
        ReIDTracker(tracker, encoder)


@pytest.mark.parametrize(
    'result', [None, [], np.zeros((0, 8)), boxes((0, 0, 9, 9))]
)
def test_tracker_without_ids(scene, result, monkeypatch):
    monkeypatch.setattr(scene, 'update', lambda *_: result)
    with pytest.raises(UserError, match='must return sv.Detections with'):
        ReIDTracker(scene, scene).update(boxes((0, 0, 9, 9)), FRAME)


def test_nobody_in_a_frame_has_no_ids(scene):
    found = sv.Detections.empty()
    assert found.tracker_id is None
    assert len(ReIDTracker(scene, scene).update(found, FRAME)) == 0


@pytest.mark.parametrize(
    ('features', 'message'),
    [
        (None, r'\(2, d\); got \(\)'),
        (np.ones((1, 8)), r'\(2, d\); got \(1, 8\)'),
        (np.ones(2), r'\(2, d\); got \(2,\)'),
        (np.full((2, 8), np.nan), 'not finite'),
    ],
)
def test_wrong_features(scene, features, message, monkeypatch):
    monkeypatch.setattr(scene, 'extract_features', lambda *_: features)
    with pytest.raises(UserError, match=message):
        ids(ReIDTracker(scene, scene), scene, t4=ANNA, t7=BERT)


def test_boxes_of_the_tracker_stay_as_they_are(tracker, scene):
    found = scene.show(t4=ANNA, t7=BERT)
    assert tracker.update(found, FRAME).tracker_id.tolist() == [0, 1]
    assert found.tracker_id.tolist() == [4, 7]


def test_an_id_twice_in_a_frame(scene):
    found = scene.show(t4=ANNA, t7=BERT)
    found.tracker_id[:] = 4
    tracker = ReIDTracker(scene, scene, min_images=1)
    assert tracker.update(found, FRAME).tracker_id.tolist() == [0, 0]


@pytest.mark.filterwarnings('error:.*frame argument')
@pytest.mark.parametrize(
    'make',
    [
        partial(trackers.BoTSORTTracker, enable_cmc=False),
        trackers.ByteTrackTracker,
        trackers.OCSORTTracker,
        trackers.SORTTracker,
    ],
)
def test_trackers_of_the_package(make):
    """Two coloured people; one is hidden for longer than the buffer."""
    tracker = ReIDTracker(
        make(lost_track_buffer=3), ReIDEncoder(tiny_extractor())
    )
    seen = []
    for t in range(60):
        frame = np.zeros((120, 200, 3), np.uint8)
        shown = [(10 + t, 20, 40 + t, 100)]
        frame[20:60, 10 + t : 40 + t] = 0, 0, 220
        if not 25 <= t < 45:
            shown.append((150 - t, 20, 180 - t, 100))
            frame[20:100, 150 - t : 180 - t] = 200, 60, 0
        found = sv.Detections(
            np.array(shown, float), confidence=np.full(len(shown), 0.9)
        )
        seen.append(tracker.update(found, frame))
    assert len(seen[-1]) == 2
    assert sorted(seen[-1].tracker_id) == [0, 1]
