import cv2
import numpy as np
import pytest

from mmcion.denoising import export_tracks
from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.utils.checks import UserError
from mmcion.utils.checksums import damaged_files, read_checksums
from mmcion.video.box_files import read_box_file, read_mot
from mmcion.video.motchallenge import read_motchallenge


def make_table(**changes):
    columns = {
        'video_id': [0, 0, 0, 1, 1, 1],
        'tracklet_id': [0, 0, 1, 0, 1, 2],
        'frame': [0, 1, 1, 7, 7, 8],
        'box': [
            *([1.25, 2, 30, 40.5], [2, 2, 30, 40], [50, 5, 20, 41]),
            *([0.1, 3, 31, 42], [60, 3, 31, 42], [5, 6, 17, 28]),
        ],
        'score': [0.9, 0.1, 1 / 3, 0.5, 0.75, 0.5],
        'videos': ['a', 'b'],
    }
    return TrackletTable.from_columns(**{**columns, **changes})


LABELS = IdentityLabels(np.array([3, 3, 0, 3, 5, -1], np.int32))


def test_lines(tmp_path):
    assert export_tracks(make_table(), LABELS, tmp_path / 'mot') == 0
    assert (tmp_path / 'mot' / 'a.txt').read_text() == (
        '1,4,1.25,2.0,30.0,40.5,0.9,-1,-1,-1\n'
        '2,1,50.0,5.0,20.0,41.0,0.333333,-1,-1,-1\n'
        '2,4,2.0,2.0,30.0,40.0,0.1,-1,-1,-1\n'
    )


def test_our_reader_finds_the_same_boxes(tmp_path):
    table = make_table()
    export_tracks(table, LABELS, tmp_path)
    for video, rows in (('a', [0, 2, 1]), ('b', [3, 4])):
        found = read_mot(tmp_path / f'{video}.txt')
        np.testing.assert_array_equal(found[:, 0] - 1, table.frame[rows])
        np.testing.assert_array_equal(found[:, 1] - 1, LABELS.identity[rows])
        boxes = found[:, 2:6].astype(np.float32)
        np.testing.assert_array_equal(boxes, table.box[rows])
        score = found[:, 6].astype(np.float32)
        np.testing.assert_allclose(score, table.score[rows], atol=1e-6)
    boxes = read_box_file(tmp_path / 'b.txt').frame(7)
    assert boxes.ids.tolist() == [4, 6]


def test_converter_makes_tracklets_of_identities(tmp_path):
    table = make_table()
    export_tracks(table, LABELS, tmp_path / 'mot')
    for video in table.videos:
        folder = tmp_path / 'data' / video / 'img1'
        folder.mkdir(parents=True)
        for frame in range(1, 10):
            image = np.full((80, 120, 3), 9 * frame, np.uint8)
            cv2.imwrite(str(folder / f'{frame:06d}.jpg'), image)
    reading = read_motchallenge(
        tmp_path / 'data', tmp_path / 'out', boxes=tmp_path / 'mot'
    )
    found, kept = reading.table, np.array([2, 0, 1, 3, 4])  # by identity
    assert not reading.report.counts
    assert found.videos == table.videos
    np.testing.assert_array_equal(found.tracklet_id - 1, LABELS.identity[kept])
    for name in ('video_id', 'frame', 'box', 'score'):
        np.testing.assert_allclose(
            getattr(found, name), getattr(table, name)[kept], atol=1e-6
        )


def test_one_box_of_an_identity_in_a_frame(tmp_path):
    table = make_table()
    labels = IdentityLabels(np.array([3, 0, 0, 7, 7, -1], np.int32))
    assert export_tracks(table, labels, tmp_path) == 2
    assert read_mot(tmp_path / 'a.txt')[:, 2].tolist() == [1.25, 50]
    assert read_mot(tmp_path / 'b.txt')[:, 2].tolist() == [60]
    table = make_table(score=None)
    export_tracks(table, labels, tmp_path)
    assert read_mot(tmp_path / 'a.txt')[:, [2, 6]].tolist() == [
        [1.25, 1],
        [2, 1],
    ]


def test_videos_of_any_name_and_without_identities(tmp_path):
    names = ['..', 'Genève/cam 1']
    export_tracks(make_table(videos=names), LABELS, tmp_path / 'mot')
    files = {path.name for path in (tmp_path / 'mot').glob('*.txt')}
    assert files == {'%2E..txt', 'Genève%2Fcam 1.txt'}
    nobody = IdentityLabels(np.full(6, -1, np.int32))
    export_tracks(make_table(), nobody, tmp_path / 'mot')
    files = {path.name for path in (tmp_path / 'mot').glob('*.txt')}
    assert files == {'a.txt', 'b.txt'}
    assert len(read_mot(tmp_path / 'mot' / 'a.txt')) == 0
    assert read_checksums(tmp_path / 'mot').keys() == files
    assert not damaged_files(tmp_path / 'mot')


def test_table_needs_boxes(tmp_path):
    table = make_table(box=None)
    with pytest.raises(UserError, match='boxes'):
        export_tracks(table, LABELS, tmp_path)
