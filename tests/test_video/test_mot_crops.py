import cv2
import numpy as np
import pytest

from mmcion.structures import TrackletTable
from mmcion.video import mot_crops
from mmcion.video.mot_crops import (
    BAD_FRAME,
    NO_FRAME,
    OUTSIDE,
    TOO_SMALL,
    read_motchallenge,
)

TRUTH = """1,1,10,20,30,40,1,1,1
2,1,12,20,30,40,1,1,1
2,4,-5,60,20,80,1,1,0.4
1,9,90,10,30,30,0,1,1
"""


def make_sequence(folder, boxes=TRUTH, frames=3):
    (folder / 'img1').mkdir(parents=True)
    (folder / 'gt').mkdir()
    (folder / 'gt' / 'gt.txt').write_text(boxes)
    for frame in range(1, frames + 1):
        image = np.full((100, 120, 3), 60 * frame, np.uint8)
        cv2.imwrite(str(folder / 'img1' / f'{frame:06d}.jpg'), image)


def test_true_boxes(tmp_path):
    make_sequence(tmp_path / 'in' / 'B')
    make_sequence(tmp_path / 'in' / 'A')
    out = tmp_path / 'out'
    reading = read_motchallenge(tmp_path / 'in', out)
    reading.save(out)

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
    (tmp_path / 'A' / 'img1' / '000003.jpg').write_bytes(b'no picture')
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
    cut = mot_crops._cut
    begun = []

    def stop_at_b(sequence, *rest):
        begun.append(sequence.name)
        if sequence.name == 'B' and len(begun) == 2:
            raise KeyboardInterrupt
        return cut(sequence, *rest)

    monkeypatch.setattr(mot_crops, '_cut', stop_at_b)
    with pytest.raises(KeyboardInterrupt):
        read_motchallenge(tmp_path / 'in', out)
    resumed = read_motchallenge(tmp_path / 'in', out)
    assert begun == ['A', 'B', 'B']
    fresh = read_motchallenge(tmp_path / 'in', tmp_path / 'fresh')
    assert resumed.table.fingerprint() == fresh.table.fingerprint()
    assert resumed.report.counts == fresh.report.counts
    assert not list(out.rglob('*.tmp'))


def test_other_settings_cut_again(tmp_path):
    make_sequence(tmp_path / 'A')
    out = tmp_path / 'out'
    assert len(read_motchallenge(tmp_path / 'A', out).table) == 3
    again = read_motchallenge(tmp_path / 'A', out, min_visibility=0.5)
    assert len(again.table) == 2
    assert len(list(out.rglob('*.jpg'))) == 2


def test_mistakes(tmp_path):
    make_sequence(tmp_path / 'A', '1,9,90,10,30,30,0,1,1\n')
    with pytest.raises(ValueError, match=r'no box of .* counts'):
        read_motchallenge(tmp_path / 'A', tmp_path / 'out')
    with pytest.raises(ValueError, match=r'quality \(0\)'):
        read_motchallenge(tmp_path / 'A', tmp_path / 'out', quality=0)
