import numpy as np
import pytest

from mmcion.utils.skip_report import SkipReport
from mmcion.video.motchallenge import (
    HIDDEN,
    NO_BOXES,
    NO_ID,
    NO_PERSON,
    NOT_COUNTED,
    SAME_FRAMES,
    TWICE,
    find_sequences,
    read_boxes,
)


def make_sequence(folder, *, frames=3, boxes='1,1,0,0,4,8,1,1,1\n', info=None):
    (folder / 'img1').mkdir(parents=True)
    for frame in range(1, frames + 1):
        (folder / 'img1' / f'{frame:06d}.jpg').touch()
    if boxes is not None:
        (folder / 'gt').mkdir()
        (folder / 'gt' / 'gt.txt').write_text(boxes)
    if info is not None:
        (folder / 'seqinfo.ini').write_text(f'[Sequence]\n{info}\n')


@pytest.mark.parametrize('level', ['', 'train', 'train/MOT16-04'])
def test_sequence_folder_and_the_ones_above(tmp_path, level):
    root = tmp_path / 'MOT16'
    make_sequence(root / 'train' / 'MOT16-04')
    (sequence,) = find_sequences(root / level, None, SkipReport(''))
    folder = root / 'train' / 'MOT16-04'
    assert sequence.name == 'MOT16-04'
    assert sequence.boxes == folder / 'gt' / 'gt.txt'
    assert sorted(sequence.frames) == [1, 2, 3]
    assert sequence.frames[2] == folder / 'img1' / '000002.jpg'


def test_copies_and_sequences_without_boxes(tmp_path):
    for name in ('MOT17-02-SDP', 'MOT17-02-DPM', 'MOT17-04-SDP'):
        make_sequence(tmp_path / 'train' / name)
    make_sequence(tmp_path / 'test' / 'MOT17-01-SDP', boxes=None)
    report = SkipReport('')
    found = find_sequences(tmp_path, None, report)
    assert [s.name for s in found] == ['MOT17-02-DPM', 'MOT17-04-SDP']
    assert report.counts == {SAME_FRAMES: 1, NO_BOXES: 1}


def test_copy_with_boxes_is_the_one(tmp_path):
    for name in ('MOT17-02-DPM', 'MOT17-02-SDP'):
        make_sequence(tmp_path / 'train' / name)
    (tmp_path / 'boxes').mkdir()
    (tmp_path / 'boxes' / 'MOT17-02-SDP.txt').touch()
    found = find_sequences(
        tmp_path / 'train', tmp_path / 'boxes', SkipReport('')
    )
    assert [s.name for s in found] == ['MOT17-02-SDP']


def test_seqinfo(tmp_path):
    make_sequence(tmp_path / 'a', info='imDir=frames\nseqLength=600')
    (tmp_path / 'a' / 'img1').rename(tmp_path / 'a' / 'frames')
    report = SkipReport('')
    (sequence,) = find_sequences(tmp_path, None, report)
    assert sequence.frames[1].parent.name == 'frames'
    assert report.notes == ['a has 3 frames, seqinfo.ini says 600']


def test_nothing_to_read(tmp_path):
    (tmp_path / 'x').mkdir()
    with pytest.raises(ValueError, match='expected: SEQUENCE/img1') as error:
        find_sequences(tmp_path, None, SkipReport(''))
    assert 'found: x' in str(error.value)
    make_sequence(tmp_path / 'x', boxes=None)
    with pytest.raises(ValueError, match=r'no sequence of .* has boxes'):
        find_sequences(tmp_path, None, SkipReport(''))
    with pytest.raises(FileNotFoundError):
        find_sequences(tmp_path, tmp_path / 'boxes', SkipReport(''))


def test_half_a_sequence(tmp_path):
    make_sequence(tmp_path / 'a', frames=0)
    with pytest.raises(ValueError, match=r'no frames like 000001\.jpg'):
        find_sequences(tmp_path, None, SkipReport(''))
    make_sequence(tmp_path / 'b', info='seqLength=3')
    (tmp_path / 'b' / 'img1').rename(tmp_path / 'b' / 'frames')
    with pytest.raises(ValueError, match='no folder of frames'):
        find_sequences(tmp_path / 'b', None, SkipReport(''))


def test_one_file_for_several_sequences(tmp_path):
    make_sequence(tmp_path / 'a')
    make_sequence(tmp_path / 'b')
    file = tmp_path / 'boxes.txt'
    file.touch()
    with pytest.raises(ValueError, match='one file of boxes for 2 sequences'):
        find_sequences(tmp_path, file, SkipReport(''))


def test_ground_truth(tmp_path):
    (tmp_path / 'S' / 'gt').mkdir(parents=True)
    file = tmp_path / 'S' / 'gt' / 'gt.txt'
    file.write_text(
        '2,5,10,20,30,40,1,1,0.5\n'
        '1,5,11,21,31,41,1,1,1\n'
        '1,3,12,22,32,42,1,1,0.2\n'
        '1,6,0,0,9,9,0,1,1\n'
        '1,7,0,0,9,9,1,7,1\n'
        '1,8,0,0,9,9,1,8,0\n'
    )
    report = SkipReport('')
    found = read_boxes(file, report)
    assert found.frame.tolist() == [1, 1, 2]
    assert found.track.tolist() == [3, 5, 5]
    assert found.box[1].tolist() == [11, 21, 31, 41]
    assert found.score.tolist() == [1, 1, 1]
    assert report.counts == {NOT_COUNTED: 1, NO_PERSON: 2}
    assert report.examples[NOT_COUNTED] == ['S frame 1 id 6']

    found = read_boxes(file, report, min_visibility=0.3)
    assert found.track.tolist() == [5, 5]
    assert report.counts[HIDDEN] == 1


def test_ground_truth_of_mot15_has_flags_and_no_classes(tmp_path):
    file = tmp_path / 'gt.txt'
    file.write_text('1,1,0,0,9,9,1,-1,-1,-1\n1,2,0,0,9,9,0,-1,-1,-1\n')
    report = SkipReport('')
    assert read_boxes(file, report).track.tolist() == [1]
    assert report.counts == {NOT_COUNTED: 1}


def test_output_of_a_tracker(tmp_path):
    file = tmp_path / 'MOT16-04.txt'
    file.write_text(
        '1,2,0,0,9,9,0.75,-1,-1,-1\n'
        '1,-1,0,0,9,9,0.5,-1,-1,-1\n'
        '1,2,1,1,9,9,0.25,-1,-1,-1\n'
        '3,0,0,0,9,9,0,-1,-1,-1\n'
    )
    report = SkipReport('')
    found = read_boxes(file, report)
    assert found.track.tolist() == [2, 0]
    assert found.score.tolist() == [0.75, 0]
    assert found.box[0].tolist() == [0, 0, 9, 9]
    assert report.counts == {NO_ID: 1, TWICE: 1}


def test_rows_come_by_frame_and_id(tmp_path):
    rng = np.random.default_rng(0)
    keys = rng.permutation([(f, t) for f in range(1, 9) for t in range(9)])
    file = tmp_path / 'a.txt'
    file.write_text(''.join(f'{f},{t},0,0,{f},{t},1\n' for f, t in keys))
    found = read_boxes(file, SkipReport(''))
    pairs = list(zip(found.frame, found.track, strict=True))
    assert pairs == sorted(pairs)
    assert (found.box[:, 2] == found.frame).all()
    assert (found.box[:, 3] == found.track).all()


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('0,1,0,0,9,9,1\n', 'frame 0; MOTChallenge counts frames from 1'),
        ('1,1,0,0,9\n', 'at least 6 finite numbers'),
        ('1,1,0,0,9,nan,1\n', 'at least 6 finite numbers'),
        ('1,1,0,0,9,9,1\n1,1,0\n', 'a.txt'),
        ('frame,id,x,y,w,h\n', 'a.txt'),
    ],
)
def test_mistakes(tmp_path, text, message):
    file = tmp_path / 'a.txt'
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_boxes(file, SkipReport(''))


@pytest.mark.filterwarnings('error')
def test_empty_file(tmp_path):
    (tmp_path / 'a.txt').touch()
    assert len(read_boxes(tmp_path / 'a.txt', SkipReport('')).frame) == 0
