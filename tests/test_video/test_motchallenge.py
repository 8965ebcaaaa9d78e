import os

import cv2
import numpy as np
import pytest

from mmcion.structures import TrackletTable
from mmcion.utils.checks import UserError
from mmcion.utils.skip_report import SkipReport
from mmcion.video import motchallenge
from mmcion.video.box_files import NOT_COUNTED
from mmcion.video.box_rows import NO_ID, TWICE
from mmcion.video.motchallenge import (
    BAD_FRAME,
    BAD_NAME,
    NO_BOXES,
    NO_FRAME,
    OUTSIDE,
    SAME_FRAMES,
    TOO_SMALL,
    find_sequences,
    read_motchallenge,
)

TRUTH = """1,1,10,20,30,40,1,1,1
2,1,12,20,30,40,1,1,1
2,4,-5,60,20,80,1,1,0.4
1,9,90,10,30,30,0,1,1
"""


def make_sequence(folder, boxes=TRUTH, *, frames=3, info=None):
    (folder / 'img1').mkdir(parents=True)
    for frame in range(1, frames + 1):
        image = np.full((100, 120, 3), 60 * frame, np.uint8)
        data = cv2.imencode('.jpg', image)[1].tobytes()
        (folder / 'img1' / f'{frame:06d}.jpg').write_bytes(data)
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
    make_sequence(
        tmp_path / 'a', info='imDir=frames\nseqLength=600\nframeRate=14'
    )
    (tmp_path / 'a' / 'img1').rename(tmp_path / 'a' / 'frames')
    report = SkipReport('')
    (sequence,) = find_sequences(tmp_path, None, report)
    assert sequence.frames[1].parent.name == 'frames'
    assert sequence.fps == 14
    assert report.notes == ['a has 3 frames, seqinfo.ini says 600']


def test_nothing_to_read(tmp_path):
    (tmp_path / 'x').mkdir()
    with pytest.raises(UserError, match=r'img1/000001\.jpg') as error:
        find_sequences(tmp_path, None, SkipReport(''))
    assert 'it has x' in str(error.value)
    make_sequence(tmp_path / 'x', boxes=None)
    with pytest.raises(UserError, match=r'no sequence of .* has boxes'):
        find_sequences(tmp_path, None, SkipReport(''))
    with pytest.raises(FileNotFoundError):
        find_sequences(tmp_path, tmp_path / 'boxes', SkipReport(''))


def test_half_a_sequence(tmp_path):
    make_sequence(tmp_path / 'a', frames=0)
    with pytest.raises(UserError, match=r'no frames like 000001\.jpg'):
        find_sequences(tmp_path, None, SkipReport(''))
    make_sequence(tmp_path / 'b', info='seqLength=3')
    (tmp_path / 'b' / 'img1').rename(tmp_path / 'b' / 'frames')
    with pytest.raises(FileNotFoundError, match=r'b/img1'):
        find_sequences(tmp_path / 'b', None, SkipReport(''))


def test_one_file_for_several_sequences(tmp_path):
    make_sequence(tmp_path / 'a')
    make_sequence(tmp_path / 'b')
    file = tmp_path / 'boxes.txt'
    file.touch()
    with pytest.raises(UserError, match=r'boxes\.txt.* 2 sequences'):
        find_sequences(tmp_path, file, SkipReport(''))


def test_true_boxes(tmp_path):
    make_sequence(tmp_path / 'in' / 'B')
    make_sequence(tmp_path / 'in' / 'A')
    out = tmp_path / 'out'
    read_motchallenge(tmp_path / 'in', out)

    table = TrackletTable.load(out / 'table')
    assert table.videos == ('A', 'B')
    assert table.video_id.tolist() == [0, 0, 0, 1, 1, 1]
    assert table.tracklet_id.tolist() == [1, 1, 4] * 2
    assert table.frame.tolist() == [0, 1, 1] * 2
    assert table.box[2].tolist() == [-5, 60, 20, 80]
    assert table.path[5] == b'B/000004_0000001.jpg'
    truth = np.load(out / 'truth.npy')
    assert truth.tolist() == [0, 0, 1, 2, 2, 3]
    for row, (size, grey) in enumerate(
        [((40, 30), 60), ((40, 30), 120), ((40, 15), 120)]
    ):
        image = cv2.imread(str(table.image_path(row)))
        assert image.shape[:2] == size
        assert abs(int(image.mean()) - grey) <= 2


def test_everything_left_out_is_counted(tmp_path):
    make_sequence(
        tmp_path / 'A',
        '1,1,10,20,30,40,1,1,1\n'
        '1,2,10,20,30,9,1,1,1\n'
        '1,3,200,20,30,40,1,1,1\n'
        '3,1,10,20,30,40,1,1,1\n'
        '8,1,10,20,30,40,1,1,1\n'
        '8,2,10,20,30,40,1,1,1\n',
    )
    (tmp_path / 'A' / 'img1' / '000003.jpg').write_bytes(b'no image')
    reading = read_motchallenge(
        tmp_path / 'A', tmp_path / 'out', min_height=10
    )
    assert len(reading.table) == 1
    assert reading.report.counts == {
        TOO_SMALL: 1,
        OUTSIDE: 1,
        BAD_FRAME: 1,
        NO_FRAME: 2,
    }
    crops = [path.name for path in (tmp_path / 'out').rglob('*.jpg')]
    assert crops == ['000001_0000000.jpg']


def test_a_tracker_has_scores_and_no_truth(tmp_path):
    make_sequence(tmp_path / 'A')
    boxes = tmp_path / 'A.txt'
    boxes.write_text('1,7,10,20,30,40,0.5,-1,-1,-1\n')
    reading = read_motchallenge(tmp_path, tmp_path / 'out', boxes=boxes)
    assert reading.truth is None
    assert reading.table.score.tolist() == [0.5]


def test_a_rerun_takes_finished_sequences(tmp_path, monkeypatch):
    for name in 'AB':
        make_sequence(tmp_path / 'in' / name)
    out = tmp_path / 'out'
    crop = motchallenge._crop
    begun = []

    def stop_at_b(sequence, *rest):
        begun.append(sequence.name)
        if sequence.name == 'B' and len(begun) == 2:
            raise KeyboardInterrupt
        return crop(sequence, *rest)

    monkeypatch.setattr(motchallenge, '_crop', stop_at_b)
    with pytest.raises(KeyboardInterrupt):
        read_motchallenge(tmp_path / 'in', out)
    resumed = read_motchallenge(tmp_path / 'in', out)
    assert begun == ['A', 'B', 'B']
    fresh = read_motchallenge(tmp_path / 'in', tmp_path / 'fresh')
    assert resumed.table.fingerprint() == fresh.table.fingerprint()
    assert resumed.report.counts == fresh.report.counts
    assert not list(out.rglob('*.tmp'))


def test_results_that_are_there_already(tmp_path, monkeypatch):
    make_sequence(tmp_path / 'A')
    out = tmp_path / 'out'
    first = read_motchallenge(tmp_path / 'A', out)

    with monkeypatch.context() as patch:
        patch.delattr(motchallenge, '_crop')  # the same: nothing to do
        again = read_motchallenge(tmp_path / 'A', out)
    assert again.table.fingerprint() == first.table.fingerprint()
    assert again.report.to_dict() == first.report.to_dict()
    assert again.truth.tolist() == first.truth.tolist()

    with pytest.raises(UserError, match=r'min_visibility was 0, is 0\.5'):
        read_motchallenge(tmp_path / 'A', out, min_visibility=0.5)
    assert len(list(out.rglob('*.jpg'))) == 3
    other = read_motchallenge(
        tmp_path / 'A', out, min_visibility=0.5, overwrite=True
    )
    assert len(other.table) == len(list(out.rglob('*.jpg'))) == 2
    assert other.table.image_path(1).is_file()


def test_mot15_flags_and_repeated_ids(tmp_path):
    make_sequence(
        tmp_path / 'A',
        '1,1,10,20,30,40,1,-1,-1,-1\n'
        '1,2,10,20,30,40,0,-1,-1,-1\n'
        '1,1,20,20,30,40,1,-1,-1,-1\n'
        '2,-1,10,20,30,40,1,-1,-1,-1\n',
    )
    reading = read_motchallenge(tmp_path, tmp_path / 'out')
    assert reading.table.box.tolist() == [[10, 20, 30, 40]]
    assert reading.report.counts == {NOT_COUNTED: 1, TWICE: 1, NO_ID: 1}


def test_mistakes(tmp_path):
    make_sequence(tmp_path / 'A', '1,9,90,10,30,30,0,1,1\n')
    with pytest.raises(UserError, match=r'no box of .*A counts'):
        read_motchallenge(tmp_path / 'A', tmp_path / 'out')
    with pytest.raises(UserError, match=r'quality.* 0'):
        read_motchallenge(tmp_path / 'A', tmp_path / 'out', quality=0)
    make_sequence(tmp_path / 'B', '0,1,0,0,9,9,1\n')
    with pytest.raises(UserError, match=r'gt\.txt line 1: frame 0 '):
        read_motchallenge(tmp_path / 'B', tmp_path / 'other')


@pytest.mark.parametrize(
    'info',
    [
        'seqLength=',
        'seqLength',
        'imDir=\nseqLength=3',
        '\ufeff[Sequence]\nseqLength=3',
    ],
)
def test_seqinfo_with_empty_values(tmp_path, info):
    make_sequence(tmp_path / 'a')
    head = '' if '[' in info else '[Sequence]\n'
    (tmp_path / 'a' / 'seqinfo.ini').write_text(f'{head}{info}\n')
    report = SkipReport('')
    (sequence,) = find_sequences(tmp_path, None, report)
    assert len(sequence.frames) == 3
    assert sequence.fps is None
    assert report.notes == []


@pytest.mark.parametrize(
    ('info', 'message'),
    [
        ('imDir=../b/img1', r'\.\./b/img1'),
        ('imDir=/tmp', "'/tmp'"),
        ('seqLength=many', 'many'),
        ('frameRate=fast', 'fast'),
    ],
)
def test_wrong_seqinfo(tmp_path, info, message):
    make_sequence(tmp_path / 'a', info=info)
    make_sequence(tmp_path / 'b')
    with pytest.raises(UserError, match=rf'a/seqinfo\.ini: .*{message}'):
        find_sequences(tmp_path, None, SkipReport(''))


def test_hidden_files_and_folders_are_skipped(tmp_path):
    make_sequence(tmp_path / 'a')
    make_sequence(tmp_path / '.b')
    make_sequence(tmp_path / '.trash' / 'c')
    (tmp_path / 'a' / 'img1' / '._000001.jpg').touch()
    (sequence,) = find_sequences(tmp_path, None, SkipReport(''))
    assert sequence.name == 'a'
    assert len(sequence.frames) == 3


def test_two_files_of_a_frame(tmp_path):
    make_sequence(tmp_path / 'a')
    (tmp_path / 'a' / 'img1' / '1.png').touch()
    with pytest.raises(UserError, match=r'000001\.jpg and 1\.png'):
        find_sequences(tmp_path, None, SkipReport(''))


def test_names_that_are_not_utf8(tmp_path):
    root = tmp_path / os.fsdecode(b'root-\xe9')
    make_sequence(root / 'a')
    make_sequence(root / os.fsdecode(b'caf\xe9'))
    reading = read_motchallenge(root, tmp_path / 'out')
    assert reading.table.videos == ('a',)
    assert len(reading.table) == 3
    assert reading.report.counts[BAD_NAME] == 1
    assert reading.report.examples[BAD_NAME] == [r'caf\xe9']


def test_frames_that_cannot_be_read(tmp_path):
    make_sequence(tmp_path / 'A', '1,1,1,2,9,9\n2,1,1,2,9,9\n3,1,1,2,9,9\n')
    images = tmp_path / 'A' / 'img1'
    (images / '000001.jpg').write_bytes(b'')
    (images / '000002.jpg').unlink()
    (images / '000002.jpg').mkdir()
    reading = read_motchallenge(tmp_path / 'A', tmp_path / 'out')
    assert reading.report.counts == {BAD_FRAME: 2}
    assert len(reading.table) == 1


def test_a_sequence_without_an_image_is_noted(tmp_path):
    make_sequence(tmp_path / 'A', '1,1,9,9,30,30,1,7,1\n')
    make_sequence(tmp_path / 'B')
    reading = read_motchallenge(tmp_path, tmp_path / 'out')
    assert reading.table.videos == ('A', 'B')
    (note,) = reading.report.notes
    assert note.startswith('A has no image')
