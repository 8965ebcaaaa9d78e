import pickle

import numpy as np
import pytest

from mmcion.utils.checks import UserError
from mmcion.utils.skip_report import SkipReport
from mmcion.video.box_files import (
    HIDDEN,
    NO_PERSON,
    NOT_COUNTED,
    read_box_file,
    read_mot,
)
from mmcion.video.box_rows import NO_ID, TINY, TWICE

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
    report = SkipReport('')
    assert len(read_mot(path, report)) == 3
    assert report.counts == {NOT_COUNTED: 1, TWICE: 1}


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
        ('a.csv', 'frame,x,y,w,h\n0,2,3,4,5\n', 'frame 0.*first_frame=0'),
        ('a.txt', '\n1,1,2,3,4,5\n0,1,2,3,4,5\n', 'line 3: frame 0 .*add 1'),
        ('a.csv', 'frame,x,y,w,h,id\n1,2,3,4,5,1.5\n', r'line 2: id 1\.5'),
        ('a.txt', '1,1,2,3,4,5\n2.5,1,2,3,4,5\n', r'line 2: frame 2\.5'),
        ('a.txt', '1,9007199254740993,2,3,4,5\n', 'id 9007199254740992'),
        # columns of another program, named twice, or too few values
        ('a.csv', 'frame,x,y,w,h,track_id\n', 'track_id is unknown'),
        (
            'a.csv',
            'frame,x,y,w,h,id,id\n',
            'column id is unknown or there twice',
        ),
        ('a.csv', 'frame,x,y,w,h\n1,2,3,4\n', 'line 2.*4 values'),
        ('a.csv', 'frame,x,y,w,h\n1,2,3,4,5,6\n', 'line 2.*6 values'),
        ('a.csv', 'frame;x;y;w;h\n', 'frame;x;y;w;h.*commas'),
        # fractions of the image
        ('a.txt', '1,1,0.2,0.25,0.125,0.4,1\n', r'a\.txt.*pixels'),
        ('a.csv', 'frame,x,y,w,h\n1,0.2,0.25,0.125,1\n', r'a\.csv.*pixels'),
        (
            'a.csv',
            'frame,x,y,w,h\n1,2,3,4,nan\n',
            r'a\.csv line 2: h nan.*finite',
        ),
        ('a.txt', '1,2,3\n', r'columns of .*a\.txt .*\[6, 10\]; got 3'),
        ('a.txt', '1,2,three,4,5,6\n', r'a\.txt.*three'),
        (
            'a.txt',
            '1,-1,1,2,3,4,0.9\n2,-1,1,2,3,4\n',
            r'a\.txt line 2.* 7 numbers',
        ),
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


@pytest.mark.parametrize(
    'content',
    [
        [1, 2],
        {1: [[0, {'bbox': 3}]]},
        {1: [[0, {'bbox': [1, 2]}], [0, {'bbox': [3, 4]}]]},
        {1: [[0, {'bbox': [[1, 2, 3, 4]] * 4}]]},
        {1: [[0, {'bbox': [1, 2, float('nan'), 9]}]]},
        {1: [[0, {'bbox': [0.1, 0.2, 0.3, 0.9]}]]},
        {1.5: [[0, {'bbox': [1, 2, 5, 9]}]]},
        {10**400: [[0, {'bbox': [1, 2, 5, 9]}]]},
        {1: [[0, {'bbox': [1, 2, 5, 9], 'pid': 2.5}]]},
        {1: [[0, {'bbox': [1, 2, 5, 9], 'pid': None}]]},
        {0: [[0, {'bbox': [1, 2, 5, 9]}]]},
    ],
)
def test_other_pickles(tmp_path, content):
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(UserError, match=r'a\.pkl'):
        read_box_file(path)


def write_as(path, rows):
    """Write rows of frame, id, x, y, w, h in the format of the suffix."""
    if path.suffix == '.pkl':
        people = {}
        for frame, pid, x, y, w, h in rows:
            box = np.array([x, y, x + w, y + h])
            person = [0, {'bbox': box, 'pid': pid}]
            people.setdefault(frame, []).append(person)
        path.write_bytes(pickle.dumps(people))
        return
    head = 'frame,id,x,y,w,h\n' if path.suffix == '.csv' else ''
    lines = [','.join(map(str, row)) + '\n' for row in rows]
    path.write_text(head + ''.join(lines))


@pytest.mark.parametrize('suffix', ['.txt', '.csv', '.pkl'])
def test_repeated_and_tiny_boxes_are_counted(tmp_path, suffix):
    path = tmp_path / f'walk{suffix}'
    rows = [
        (2, 7, 1, 2, 30, 40),
        (1, 7, 1, 2, 30, 40),
        (1, 8, 1, 2, 30, 40),
        (1, 7, 9, 9, 30, 40),  # another box of 7
        (1, -1, 1, 2, 30, 40),
        (1, -1, 5, 2, 30, 40),  # another person without id
        (1, -2, 1, 2, 30, 40),  # the same box without id
        (1, 9, 1, 2, 0.5, 40),
        (1, 9, 1, 2, 30, 40),
        (1, 10, 1, 2, 30, -5),
    ]
    write_as(path, rows)
    report = SkipReport(path)

    boxes = read_box_file(path, report=report, first_frame=1)

    first = boxes.frame(0)
    assert first.ids.tolist() == [7, 8, -1, -1, 9]
    assert first.boxes[0].tolist() == [1, 2, 31, 42]
    assert boxes.frame(1).ids.tolist() == [7]
    assert report.counts == {TWICE: 2, TINY: 2}
    examples = ['walk frame 1 id 7', 'walk frame 1 id -2']
    assert report.examples[TWICE] == examples


@pytest.mark.parametrize(
    ('name', 'content'),
    [
        ('blanks.txt', '1 7 1 2 30 40 1 -1 -1 -1 \n'),
        ('tabs.txt', '1\t7\t1\t2\t30\t40\r\n'),
        ('after_commas.txt', '1, 7, 1, 2, 30, 40, 1, -1, -1, -1\n'),
        ('semicolons.txt', '1;7;1;2;30;40\n'),
        ('bom.txt', '\ufeff1,7,1,2,30,40\n'),
        ('bom.csv', '\ufeffframe,x,y,w,h,id\n1,1,2,30,40,7\n'),
        ('blanks.csv', 'frame, x, y, w, h, id\n1, 1, 2, 30, 40, 7\n\n , ,\n'),
    ],
)
def test_other_ways_to_write_a_table(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content.encode())
    found = read_box_file(path).frame(0)
    assert found.boxes.tolist() == [[1, 2, 31, 42]]
    assert found.ids.tolist() == [7]


@pytest.mark.parametrize('name', ['a.txt', 'a.csv'])
@pytest.mark.parametrize(
    ('encoding', 'shown'), [('utf-16', 'UTF-16'), ('latin-1', 'Latin-1')]
)
def test_other_encodings_are_named(tmp_path, name, encoding, shown):
    path = tmp_path / name
    path.write_text('frame,x,y,w,h,é\n', encoding=encoding)
    with pytest.raises(UserError, match=rf'{path.stem}\.\w+ is .*{shown}'):
        read_box_file(path)


def test_columns_to_ignore(tmp_path):
    path = tmp_path / 'a.csv'
    path.write_text('frame,x,y,w,h,label\n1,1,2,30,40,person\n')
    with pytest.raises(UserError, match=r'label.*detector\.ignore='):
        read_box_file(path)
    assert len(read_box_file(path, ignore=['label']).frame(0)) == 1


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.txt'):
        read_box_file(tmp_path / 'none.txt')


def test_empty_file_is_a_video_without_people(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('')

    assert len(read_box_file(path).frame(0)) == 0
