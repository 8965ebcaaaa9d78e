import pickle

import numpy as np
import pytest

from mmcion.utils.checks import UserError
from mmcion.utils.skip_report import SkipReport
from mmcion.video.box_files import (
    HIDDEN,
    NO_ID,
    NO_PERSON,
    NOT_COUNTED,
    TWICE,
    read_box_file,
    read_mot,
)

# flag or confidence, then class and visibility or world coordinates
NINE = '1,1,0,0,5,9,1,1,0.8\n1,2,0,0,5,9,0,1,0.8\n1,3,0,0,5,9,1,3,0.8\n'
NINE_DETECTED = '1,-1,0,0,5,9,0.5,-1,-1\n1,-1,1,0,5,9,0,-1,-1\n'
TEN = '1,1,0,0,5,9,1,-1,-1,-1\n1,2,0,0,5,9,0,-1,-1,-1\n'
SEVEN = '1,1,0,0,5,9,0.5\n1,2,0,0,5,9,0\n'
SIX = '1,1,0,0,5,9\n1,2,0,0,5,9\n'


@pytest.mark.parametrize(
    ('name', 'content', 'ids', 'scores'),
    [
        # MOT16 and later: flag, class, visibility
        ('gt.txt', NINE, [1], [1]),
        ('walk.txt', NINE, [1], [1]),
        ('det.txt', NINE, [1, 2, 3], [1, 0, 1]),
        # MOT15: flag, world coordinates
        ('gt.txt', TEN, [1], [1]),
        ('walk.txt', TEN, [1, 2], [1, 0]),
        ('det.txt', TEN, [1, 2], [1, 0]),
        # detections in the nine columns of MOT16's definition
        ('det.txt', NINE_DETECTED, [-1, -1], [0.5, 0]),
        ('walk.txt', NINE_DETECTED, [-1, -1], [0.5, 0]),
        ('gt.txt', SEVEN, [1], [1]),
        ('walk.txt', SEVEN, [1, 2], [0.5, 0]),
        ('gt.txt', SIX, [1, 2], [1, 1]),
        ('walk.txt', SIX, [1, 2], [1, 1]),
    ],
)
def test_columns_of_mot_files(tmp_path, name, content, ids, scores):
    path = tmp_path / name
    path.write_text(content)

    rows = read_mot(path)

    assert rows[:, 1].tolist() == ids
    assert rows[:, 6].tolist() == scores
    boxes = read_box_file(path).frame(0)  # the same rule
    assert len(boxes) == len(ids)
    assert boxes.scores.tolist() == scores


def test_mot_ground_truth_is_filtered_and_reported(tmp_path):
    path = tmp_path / 'S' / 'gt' / 'gt.txt'
    path.parent.mkdir(parents=True)
    path.write_text(
        '2,5,10,20,30,40,1,1,0.5\n'
        '1,5,11,21,31,41,1,1,1\n'
        '1,3,12,22,32,42,1,1,0.2\n'
        '1,6,0,0,9,9,0,1,1\n'
        '1,7,0,0,9,9,1,7,1\n'
        '1,8,0,0,9,9,1,8,0\n'
    )
    report = SkipReport('')
    rows = read_mot(path, report)
    assert rows.tolist() == [
        [2, 5, 10, 20, 30, 40, 1],
        [1, 5, 11, 21, 31, 41, 1],
        [1, 3, 12, 22, 32, 42, 1],
    ]
    assert report.counts == {NOT_COUNTED: 1, NO_PERSON: 2}
    assert report.examples[NOT_COUNTED] == ['S frame 1 id 6']

    rows = read_mot(path, report, min_visibility=0.3)
    assert rows[:, 1].tolist() == [5, 5]
    assert report.counts[HIDDEN] == 1


def test_mot_tracks_have_ids_that_are_unique_in_a_frame(tmp_path):
    path = tmp_path / 'gt.txt'
    path.write_text(
        '1,2,0,0,9,9,0,-1,-1,-1\n'  # its flag is 0: the next one counts
        '1,2,1,0,9,9,1,-1,-1,-1\n'
        '1,-1,0,0,9,9,1,-1,-1,-1\n'
        '1,2,2,0,9,9,1,-1,-1,-1\n'
        '3,0,0,0,9,9,1,-1,-1,-1\n'
    )
    report = SkipReport('')
    rows = read_mot(path, report, tracked=True)
    assert rows[:, :3].tolist() == [[1, 2, 1], [3, 0, 0]]
    assert report.counts == {NOT_COUNTED: 1, NO_ID: 1, TWICE: 1}
    assert len(read_mot(path)) == 4


@pytest.mark.filterwarnings('error')
def test_empty_mot_file(tmp_path):
    (tmp_path / 'a.txt').write_text('\n')
    assert read_mot(tmp_path / 'a.txt', tracked=True).shape == (0, 7)


def test_mot_tracker_output(tmp_path):
    path = tmp_path / 'walk.txt'
    path.write_text('2,7,10,20,30,40,0.5,-1,-1,-1\n1,7,1,2,3,4,0.9,-1,-1,-1\n')

    boxes = read_box_file(path)

    assert boxes.frames.tolist() == [0, 1]
    first = boxes.frame(0)
    assert first.boxes.tolist() == [[1, 2, 4, 6]]
    assert first.scores == pytest.approx([0.9])
    assert first.ids.tolist() == [7]
    assert len(boxes.frame(5)) == 0


def test_mot_detections_have_no_ids(tmp_path):
    path = tmp_path / 'det.txt'
    path.write_text('1,-1,1,2,3,4,35.2,-1,-1,-1\n')

    assert read_box_file(path).frame(0).ids is None


def test_luperson_counts_from_one_and_nl_from_zero(tmp_path):
    box = np.array([1, 2, 4, 6], np.float32)
    plain, nl = tmp_path / 'a.pkl', tmp_path / 'b.pkl'
    plain.write_bytes(pickle.dumps({3: [[0, {'bbox': box}]]}))
    nl.write_bytes(pickle.dumps({3: [[0, {'bbox': box, 'pid': 12}]]}))

    assert read_box_file(plain).frames.tolist() == [2]
    assert read_box_file(plain).detections.ids is None
    assert read_box_file(nl).frames.tolist() == [3]
    assert read_box_file(nl).frame(3).ids.tolist() == [12]
    assert read_box_file(nl).frame(3).boxes.tolist() == [[1, 2, 4, 6]]


def test_csv_columns_in_any_order(tmp_path):
    path = tmp_path / 'a.csv'
    path.write_text('id,frame,h,w,y,x\n4,2,40,30,20,10\n')

    assert read_box_file(path).frame(1).boxes.tolist() == [[10, 20, 40, 60]]
    shifted = read_box_file(path, first_frame=2)
    assert shifted.frame(0).ids.tolist() == [4]
    assert shifted.frame(0).scores.tolist() == [1]


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('a.csv', 'frame,x,y\n1,2,3\n', 'w, h'),
        ('a.csv', 'frame,x,y,w,h\n1,2,3,4,five\n', r'a\.csv line 2.*five'),
        ('a.csv', 'frame,x,y,w,h\n0,2,3,4,5\n', 'frame 0.*first_frame'),
        ('a.csv', 'frame,x,y,w,h\n1,2,3,4,nan\n', r'a\.csv.*finite'),
        ('a.txt', '1,2,3\n', r'a\.txt.* 3 columns'),
        ('a.txt', '1,2,three,4,5,6\n', r'a\.txt.*three'),
        ('a.txt', '1,-1,1,2,3,4,0.9\n2,-1,1,2,3,4\n', 'from 7 to 6 at row 2'),
        ('a.txt', '1,-1,nan,2,3,4,0.9\n', r'a\.txt.*finite'),
        ('a.txt', '1,-1,inf,2,3,4,0.9\n', r'a\.txt.*finite'),
        ('a.txt', 'frame,id,x,y,w,h\n', r'a\.txt.*frame'),
        ('a.json', '{}', r'a\.json.*\.txt.*\.csv.*\.json'),
        ('a.pkl', 'no pickle', r'a\.pkl.*LUPerson'),
    ],
)
def test_bad_files_are_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)

    with pytest.raises(UserError, match=message):
        read_box_file(path)


def test_other_pickles_and_missing_files(tmp_path):
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(UserError, match=r'a\.pkl'):
        read_box_file(path)
    with pytest.raises(FileNotFoundError, match=r'none\.txt'):
        read_box_file(tmp_path / 'none.txt')


def test_empty_file_is_a_video_without_people(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('')

    assert len(read_box_file(path).frame(0)) == 0
