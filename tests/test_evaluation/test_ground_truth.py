import numpy as np
import pytest

from mmcion.evaluation import GroundTruth, match_truth, read_truth
from mmcion.structures import TrackletTable
from mmcion.utils.checks import UserError


def make_table(frames, boxes, videos=None, video_id=None, sources=None):
    rows = np.arange(len(frames))
    return TrackletTable.from_columns(
        video_id=np.zeros(len(frames)) if video_id is None else video_id,
        tracklet_id=rows,
        frame=frames,
        box=boxes,
        videos=videos,
        sources=sources,
    )


def test_reads_frames_from_one_and_visits_as_persons(tmp_path):
    boxes, persons = tmp_path / 'gt.csv', tmp_path / 'persons.csv'
    boxes.write_text(
        '\ufeffframe,id,x,y,w,h\n1,4,10,20,30.5,40\n2,9,1,2,3,4\n'
    )
    persons.write_text('id,person\n4,B\n9,A\n7,B\n')
    truth = read_truth(boxes)
    assert truth.frame.tolist() == [0, 1]
    assert truth.pid.tolist() == [4, 9]
    assert truth.box[0].tolist() == [10, 20, 30.5, 40]
    assert read_truth(boxes, persons).pid.tolist() == [1, 0]


@pytest.mark.parametrize(
    ('boxes', 'persons', 'message'),
    [
        ('frame,id,x\n1,1,1\n', None, 'y, w, h'),
        ('frame,id,x,y,w,h\n1,1,a,1,1,1\n', None, 'gt.csv: could not'),
        ('frame,id,x,y,w,h\n1,1,nan,1,1,1\n', None, r'gt.csv: box\[0\]'),
        ('frame,id,x,y,w,h\n1,nan,1,1,1,1\n', None, 'gt.csv: id.*nan'),
        ('frame,id,x,y,w,h\n1,1.5,1,1,1,1\n', None, r'id.*1\.5'),
        ('frame,id,x,y,w,h\n1.5,1,1,1,1,1\n', None, r'frame.*1\.5'),
        (
            'frame,id,x,y,w,h\n1,3,1,1,1,1\n',
            'id,person\nx,A\n',
            "persons.csv.*'x'",
        ),
        (
            'frame,id,x,y,w,h\n1,3,1,1,1,1\n',
            'id,person\n1,A\n',
            r'\[3\]',
        ),
    ],
)
def test_bad_files_are_named(tmp_path, boxes, persons, message):
    (tmp_path / 'gt.csv').write_text(boxes)
    if persons:
        (tmp_path / 'persons.csv').write_text(persons)
    with pytest.raises(UserError, match=message):
        read_truth(tmp_path / 'gt.csv', persons and tmp_path / 'persons.csv')


def test_one_to_one_by_overlap_within_a_frame():
    # rows 0 and 1 both fit person 5; row 1 fits better. Row 2 fits nobody,
    # row 3 would fit in another frame only.
    table = make_table(
        [0, 0, 0, 7],
        [[0, 0, 10, 20], [1, 0, 10, 20], [50, 0, 10, 20], [1, 0, 10, 20]],
    )
    truth = GroundTruth(
        frame=np.array([0, 0]),
        pid=np.array([5, 6]),
        box=np.array([[1.0, 0, 10, 20], [90, 0, 10, 20]]),
    )
    assert match_truth(table, truth).tolist() == [-1, 5, -1, -1]


def test_assignment_is_the_best_overall_not_greedy():
    # row 0 fits both people, row 1 only person 1: both get matched
    table = make_table([0, 0], [[2, 0, 10, 10], [0, 0, 10, 10]])
    truth = GroundTruth(
        frame=np.array([0, 0]),
        pid=np.array([1, 2]),
        box=np.array([[1.0, 0, 10, 10], [5, 0, 10, 10]]),
    )
    assert match_truth(table, truth).tolist() == [2, 1]


def test_threshold_is_inclusive():
    table = make_table([0], [[0, 0, 10, 10]])
    half = GroundTruth(np.array([0]), np.array([3]), np.array([[0, 0, 10, 5]]))
    assert match_truth(table, half).tolist() == [3]
    assert match_truth(table, half, min_iou=0.51).tolist() == [-1]


def test_truth_by_name_of_the_recording():
    table = make_table([0, 0], np.ones((2, 4)), ['a', 'b'], video_id=[0, 1])
    first, second = (
        GroundTruth(np.array([0]), np.array([pid]), np.ones((1, 4)))
        for pid in (1, 2)
    )
    both = {'a': first, 'b': second}
    assert match_truth(table, both).tolist() == [1, 2]
    assert match_truth(table, {'b': first}).tolist() == [-1, 1]
    with pytest.raises(UserError, match='2 recordings'):
        match_truth(table, first)
    with pytest.raises(UserError, match="'z'"):
        match_truth(table, {'z': first})


def test_clips_of_one_recording_share_its_truth_and_its_frames():
    table = make_table(
        [3, 10, 10],
        np.ones((3, 4)),
        ['street_0', 'street_1', 'hall'],
        video_id=[0, 1, 2],
        sources=['street', 'street', 'hall'],
    )
    truth = GroundTruth(np.array([3, 10]), np.array([1, 2]), np.ones((2, 4)))
    assert match_truth(table, {'street': truth}).tolist() == [1, 2, -1]
    with pytest.raises(UserError, match='2 recordings'):
        match_truth(table, truth)


def test_table_without_boxes_is_refused():
    table = make_table([0], None)
    with pytest.raises(UserError, match='no boxes'):
        match_truth(table, {})
