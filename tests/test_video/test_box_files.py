import pickle

import numpy as np
import pytest

from mmcion.video.box_files import read_box_file


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


def test_mot_truth_keeps_people_that_count(tmp_path):
    path = tmp_path / 'gt.txt'
    path.write_text(
        '1,1,0,0,5,9,1,1,0.8\n'  # a pedestrian
        '1,2,0,0,5,9,0,1,0.8\n'  # not to be counted
        '1,3,0,0,5,9,1,3,0.8\n'  # a car
    )

    assert read_box_file(path).frame(0).ids.tolist() == [1]


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
        ('a.csv', 'frame,x,y\n1,2,3\n', 'lacks'),
        ('a.csv', 'frame,x,y,w,h\n1,2,3,4,five\n', 'line 2'),
        ('a.txt', '1,2,3\n', 'line 1 has 3 numbers'),
        ('a.txt', '1,2,three,4,5,6\n', 'a.txt'),
        ('a.json', '{}', 'box files end in'),
        ('a.pkl', 'no pickle', 'was not read'),
    ],
)
def test_messages_for_bad_files(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)

    with pytest.raises(ValueError, match=message):
        read_box_file(path)


def test_messages_for_wrong_content(tmp_path):
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(ValueError, match='not a pickle of LUPerson'):
        read_box_file(path)
    with pytest.raises(FileNotFoundError, match='no box file'):
        read_box_file(tmp_path / 'none.txt')
    csv = tmp_path / 'zero.csv'
    csv.write_text('frame,x,y,w,h\n0,2,3,4,5\n')
    with pytest.raises(ValueError, match='first_frame'):
        read_box_file(csv, first_frame=1)


def test_empty_file_is_a_video_without_people(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('')

    assert len(read_box_file(path).frame(0)) == 0


@pytest.mark.parametrize('value', ['nan', 'inf'])
def test_numbers_that_are_not_finite_are_refused(tmp_path, value):
    path = tmp_path / 'det.txt'
    path.write_text(f'1,-1,{value},2,3,4,0.9,-1,-1,-1\n')
    with pytest.raises(ValueError, match=r'det\.txt holds numbers'):
        read_box_file(path)


def test_lines_of_mot_files_are_named(tmp_path):
    path = tmp_path / 'det.txt'
    path.write_text('1,-1,1,2,3,4,0.9\n2,-1,1,2,3,4\n')
    with pytest.raises(ValueError, match='line 2 has 6 numbers'):
        read_box_file(path)
