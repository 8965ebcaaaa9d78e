import numpy as np
import pytest

from mmcion.registry import DETECTORS
from mmcion.utils.checks import UserError

FRAME = np.zeros((64, 96, 3), np.uint8)


def build(**kwargs):
    return DETECTORS.build({'type': 'BoxFileDetector', **kwargs})


def test_file_beside_the_video(walk):
    detector = build()
    detector.open_video(walk)

    found = detector.detect(FRAME, 3)

    assert found.ids.tolist() == [1, 2]
    assert found.boxes[0].tolist() == [5, 10, 17, 50]
    assert len(detector.detect(FRAME, 99)) == 0


def test_file_in_a_folder_of_its_own(walk, tmp_path):
    folder = tmp_path / 'boxes'
    (folder / 'walk' / 'det').mkdir(parents=True)
    path = folder / 'walk' / 'det' / 'det.txt'
    path.write_text('1,-1,5,6,7,8,0.5\n')

    detector = build(boxes=str(folder))

    assert detector.input_files(walk) == [path]
    detector.open_video(walk)
    assert detector.detect(FRAME, 0).boxes.tolist() == [[5, 6, 12, 14]]


def test_score_threshold(walk):
    detector = build(boxes=str(walk.with_suffix('.csv')), score_thr=0.85)
    detector.open_video(walk)

    assert detector.detect(FRAME, 0).ids.tolist() == [1]


def test_messages(walk, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'boxes: .*none'):
        build(boxes=str(tmp_path / 'none'))
    walk.with_suffix('.csv').unlink()
    with pytest.raises(FileNotFoundError, match=r'none of walk\.txt'):
        build().open_video(walk)


def test_suffix_of_the_one_file_is_checked_before_videos_are_opened(tmp_path):
    (tmp_path / 'notes.md').touch()
    detector = build(boxes=str(tmp_path / 'notes.md'))
    with pytest.raises(
        UserError, match=r'box file .*notes\.md must be one of'
    ):
        detector.check_videos([tmp_path / 'walk.avi'])


def test_one_file_serves_one_video(walk):
    one = build(boxes=str(walk.with_suffix('.csv')))

    one.check_videos([walk])
    build().check_videos([walk, walk])
    with pytest.raises(UserError, match='2 videos'):
        one.check_videos([walk, walk])
