import contextlib
import json
import logging
import os
import shutil
import sys

import cv2
import numpy as np
import pytest

from mmcion.registry import DETECTORS
from mmcion.structures import TrackletTable
from mmcion.utils.checks import MissingPackageError, UserError
from mmcion.video import TrackletExtractor, tracklet_extractor
from mmcion.video.box_files import NO_PERSON, NOT_COUNTED
from mmcion.video.box_rows import TWICE
from mmcion.video.detectors import BoxFileDetector
from mmcion.video.detectors.box_file_detector import LOW_SCORE, TOO_LATE

from .conftest import files, write_boxes, write_video

BOXES = {'type': 'BoxFileDetector'}
IDS = {'type': 'GivenIds'}


def extractor(detector=BOXES, **settings):
    return TrackletExtractor(detector, IDS, **settings)


def reports(out):
    return {
        r['name']: r for r in json.loads((out / 'videos.json').read_text())
    }


def test_table_and_crops_of_a_video(walk, tmp_path):
    out = tmp_path / 'out'

    made = extractor(padding=0).run([walk], out)

    table = TrackletTable.load(out / 'table')
    assert table.fingerprint() == made.fingerprint()
    assert table.videos == ('walk',)
    assert np.diff(table.tracklet_ptr).tolist() == [30, 30]
    assert table.tracklet_id.tolist() == [1] * 30 + [2] * 30
    assert table.frame.tolist() == list(range(30)) * 2
    assert table.box[3].tolist() == [5, 10, 12, 40]
    assert table.score[[0, 30]] == pytest.approx([0.9, 0.8])
    assert table.path[3] == b'walk/000001_0000003_00.jpg'
    crop = cv2.imread(str(table.image_path(33)))
    assert crop.shape == (40, 12, 3)
    assert crop[20, 6].argmax() == 1  # the second person is green


def test_report_of_a_video(walk, tmp_path):
    extractor(stride=2).run([walk], tmp_path / 'out')

    report = reports(tmp_path / 'out')['walk']
    assert report['frames_read'] == 30
    assert report['detections'] == 60
    assert report['images'] == 30
    assert report['tracklets'] == 2
    assert report['dropped'] == {'min_length': 0, 'stride': 30}
    assert report['fps'] == 10
    assert report['source'] == str(walk)


def test_settings_choose_crops(walk, tmp_path):
    rows = ['frame,x,y,w,h,id']
    rows += [f'{i + 1},10,10,9,{20 + i},1' for i in range(20)]
    rows += [f'{i + 1},40,10,9,40,2' for i in range(4)]
    rows += ['1,200,10,9,40,3', '2,20,20,9,40,-1']
    walk.with_suffix('.csv').write_text('\n'.join(rows))

    table = extractor(min_height=25, min_length=5).run([walk], tmp_path / 'o')

    assert table.frame.tolist() == list(range(5, 20))
    assert reports(tmp_path / 'o')['walk']['dropped'] == {
        'min_height': 5,
        'min_length': 4,
        'no_track': 1,
        'outside_frame': 1,
    }


def test_clips_are_videos_and_tracks_keep_their_number(walk, tmp_path):
    whole = extractor().run([walk], tmp_path / 'whole')
    table = extractor(clips=3).run([walk], tmp_path / 'cut')

    assert table.videos == ('walk-clip0', 'walk-clip1', 'walk-clip2')
    assert table.num_tracklets == 6
    assert table.tracklet_id[table.tracklet_ptr[:-1]].tolist() == [1, 2] * 3
    for clip in range(3):
        frames = table.frame[table.video_id == clip]
        assert set(frames) == set(range(10 * clip, 10 * clip + 10))
    assert all(table.image_path(row).is_file() for row in range(len(table)))
    key = np.lexsort((table.frame, table.tracklet_id))
    assert (table.box[key] == whole.box).all()


def test_videos_of_equal_names_do_not_collide(three_videos, tmp_path):
    table = extractor().run([three_videos], tmp_path / 'out')

    assert table.videos == ('a', 'b', 'sub+a')
    assert len(set(table.path)) == len(table) == 180


class Killed(BaseException):
    """Stands for a signal: nothing catches it."""


@DETECTORS.register_module()
class DyingDetector(BoxFileDetector):
    """Dies in frame 20 of a video of the given name."""

    victim = ''
    looked: list = []  # noqa: RUF012

    def open_video(self, video):
        super().open_video(video)
        self.video = video

    def detect(self, image, frame):
        self.looked.append(self.video.stem)
        if frame == 20 and self.video.stem == self.victim:
            raise Killed
        return super().detect(image, frame)


@pytest.fixture
def dying(monkeypatch):
    monkeypatch.setattr(DyingDetector, 'victim', 'b')
    monkeypatch.setattr(DyingDetector, 'looked', [])
    return {'type': 'DyingDetector'}


def test_resume_equals_no_interruption(
    three_videos, tmp_path, dying, monkeypatch
):
    one = extractor(dying)
    with pytest.raises(Killed):
        one.run([three_videos], tmp_path / 'out')
    assert not (tmp_path / 'out' / 'table').exists()
    monkeypatch.setattr(DyingDetector, 'victim', '')
    DyingDetector.looked.clear()

    one.run([three_videos], tmp_path / 'out')

    assert DyingDetector.looked.count('b') == 30
    assert len(DyingDetector.looked) == 60  # the first video was done
    extractor().run([three_videos], tmp_path / 'plain')
    assert files(tmp_path / 'out') == files(tmp_path / 'plain')


def test_the_same_run_twice_is_done(
    three_videos, tmp_path, dying, monkeypatch
):
    DyingDetector.victim = ''
    first = extractor(dying).run([three_videos], tmp_path / 'out')
    before = files(tmp_path / 'out')
    DyingDetector.looked.clear()
    monkeypatch.setattr(DyingDetector, 'load', None)  # no model is needed

    again = extractor(dying).run([three_videos], tmp_path / 'out')

    assert not DyingDetector.looked
    assert again.fingerprint() == first.fingerprint()
    assert files(tmp_path / 'out') == before


def test_other_settings_and_inputs_stop_the_run(walk, tmp_path):
    out = tmp_path / 'out'
    extractor().run([walk], out)
    before = files(out)

    def refused(values, *, stride=1, sources=(walk,)):
        with pytest.raises(UserError, match=values):
            extractor(stride=stride).run(sources, out)
        assert files(out) == before

    refused(r'stride was 1, is 3', stride=3)
    second = shutil.copy(walk, walk.with_name('two.avi'))
    shutil.copy(walk.with_suffix('.csv'), walk.with_name('two.csv'))
    refused(r'two was missing, is .*--overwrite', sources=[walk, second])
    boxes = walk.with_suffix('.csv')
    good = boxes.read_text()
    boxes.write_text(good.replace('80,5', 'typo'))
    refused(r'walk: walk\.csv was')
    boxes.write_text(good)
    write_video(walk, frames=10)
    refused(r'inputs\.walk was')


def test_overwrite_keeps_the_old_until_the_new_are_complete(
    three_videos, tmp_path, dying
):
    out = tmp_path / 'out'
    extractor(clips=3).run([three_videos], out)
    before = files(out)

    with pytest.raises(Killed):
        extractor(dying).run([three_videos], out, overwrite=True)
    assert files(out) == before

    DyingDetector.victim = ''
    DyingDetector.looked.clear()
    table = extractor(dying).run([three_videos], out, overwrite=True)

    assert len(DyingDetector.looked) == 60  # the first video was done
    assert table.image_path(0).is_file()
    extractor(dying).run([three_videos], tmp_path / 'plain')
    assert files(out) == files(tmp_path / 'plain')


@pytest.mark.parametrize('is_complete', [True, False])
def test_overwrite_reads_the_boxes_before_it_removes_anything(
    walk, tmp_path, dying, is_complete
):
    out = tmp_path / 'out'
    DyingDetector.victim = '' if is_complete else 'walk'
    with contextlib.suppress(Killed):
        extractor(dying).run([walk], out)
    before = files(out)
    walk.with_suffix('.csv').write_text('frame,x,y,w,h,id\n1,typo,2,3,4,5\n')

    with pytest.raises(UserError, match=r'walk\.csv line 2.*typo'):
        extractor(dying).run([walk], out, overwrite=True)

    assert files(out) == before


def test_bad_videos_are_reported_and_the_others_done(walk, tmp_path):
    folder = walk.parent
    (folder / 'text.avi').write_text('hello')
    write_boxes(folder / 'text.csv')
    (folder / 'empty.mp4').touch()
    write_boxes(folder / 'empty.csv')
    write_video(folder / 'nobox.avi')
    shutil.copy(walk, folder / 'nobody.avi')
    (folder / 'nobody.csv').write_text('frame,x,y,w,h,id\n')

    table = extractor().run([folder], tmp_path / 'out')

    found = reports(tmp_path / 'out')
    assert table.videos == ('nobody', 'walk')
    assert len(table) == 60
    assert 'text.avi is damaged' in found['text']['error']
    assert 'empty.mp4 is damaged' in found['empty']['error']
    assert 'no box file' in found['nobox']['error']
    assert found['nobody']['images'] == 0
    assert 'error' not in found['nobody']


MOT = '{frame},{track},{x},10,12,40,'


def write_mot(path, columns, *, first=1):
    """Two people in 30 frames; columns follow the box."""
    lines = [
        (MOT + columns).format(frame=i + first, track=k, x=10 * k + i)
        for i in range(30)
        for k in (1, 2)
    ]
    path.write_text('\n'.join(lines))


@pytest.mark.parametrize(
    ('columns', 'first', 'reason'),
    [
        ('0.9,0,-1', 1, NO_PERSON),
        ('0,1,1', 1, NOT_COUNTED),
        ('1,-1,-1,-1', 372, TOO_LATE),
        ('0.1,-1,-1,-1', 1, LOW_SCORE),
    ],
)
def test_boxes_that_are_all_left_out_are_counted(
    walk, tmp_path, warnings, columns, first, reason
):
    write_mot(tmp_path / 'walk.txt', columns, first=first)
    detector = {**BOXES, 'boxes': tmp_path / 'walk.txt', 'score_thr': 0.2}
    extractor(detector).run([walk], tmp_path / 'out')
    report = reports(tmp_path / 'out')['walk']
    assert report['detections'] == report['dropped'][reason] == 60
    assert report['images'] == 0
    assert report['examples'][reason]
    (warning,) = warnings
    assert warning.startswith('walk: no image of 60 boxes: 60 ')
    assert reason in warning


@pytest.fixture
def warnings(monkeypatch):
    """Messages of warnings."""
    lines = []
    monkeypatch.setattr(
        tracklet_extractor,
        'print_log',
        lambda text, logger, level=logging.INFO: (
            lines.append(text) if level == logging.WARNING else None
        ),
    )
    return lines


def test_two_boxes_of_one_id_in_a_frame(walk, tmp_path, warnings):
    rows = [f'{i + 1},{x},10,9,40,1' for i in range(30) for x in (5, 50)]
    walk.with_suffix('.csv').write_text('\n'.join(['frame,x,y,w,h,id', *rows]))
    table = extractor().run([walk], tmp_path / 'out')
    assert table.box[:, 0].tolist() == [5] * 30
    report = reports(tmp_path / 'out')['walk']
    assert report['dropped'][TWICE] == 30
    assert report['detections'] == 60
    (warning,) = warnings
    assert 'walk: left out 30' in warning
    assert 'walk frame 1 id 1' in warning


def test_names_that_are_not_utf8_are_left_out(walk, tmp_path, warnings):
    name = os.fsdecode(b'caf\xe9')
    shutil.copy(walk, walk.with_name(f'{name}.avi'))
    write_boxes(walk.with_name(f'{name}.csv'))
    shutil.copy(walk, walk.with_name('two\nlines.avi'))
    write_boxes(walk.with_name('two\nlines.csv'))
    out = tmp_path / os.fsdecode(b'out-\xe9')

    table = extractor().run([walk.parent], out)

    assert table.videos == ('two\nlines', 'walk')
    assert table.image_path(0).is_file()
    assert 'not UTF-8' in reports(out)[name]['error']
    (warning,) = warnings
    assert r'Left out caf\xe9: ' in warning
    again = extractor().run([walk.parent], out)
    assert again.fingerprint() == table.fingerprint()


def test_overwrite_does_not_drop_a_video_that_cannot_be_read(
    three_videos, tmp_path
):
    out = tmp_path / 'out'
    extractor().run([three_videos], out)
    before = files(out)
    (three_videos / 'b.csv').write_text('frame,x,y,w,h,id\n1,typo,2,3,4,5\n')
    with pytest.raises(UserError, match=r'b cannot .*b\.csv line 2.*typo'):
        extractor().run([three_videos], out, overwrite=True)
    assert files(out) == before


def test_video_with_nobody_gives_an_empty_table(walk, tmp_path):
    walk.with_suffix('.csv').write_text('frame,x,y,w,h,id\n')

    extractor(clips=2).run([walk], tmp_path / 'out')

    table = TrackletTable.load(tmp_path / 'out' / 'table')
    assert len(table) == 0
    assert table.videos == ('walk-clip0', 'walk-clip1')


def test_video_that_ends_early_is_counted(walk, tmp_path):
    data = walk.read_bytes()
    walk.write_bytes(data[: len(data) * 2 // 3])

    table = extractor().run([walk], tmp_path / 'out')

    report = reports(tmp_path / 'out')['walk']
    assert report['early_end']
    assert len(table) == 2 * report['frames_read'] < 60


def test_nothing_could_be_read(tmp_path):
    (tmp_path / 'text.avi').write_text('hello')
    write_boxes(tmp_path / 'text.csv')

    with pytest.raises(UserError, match=r'none of 1 .*text\.avi'):
        extractor().run([tmp_path / 'text.avi'], tmp_path / 'out')

    assert not (tmp_path / 'out' / 'table').exists()


@pytest.mark.parametrize('workers', [1, 2])
def test_a_missing_package_stops_the_run(
    three_videos, tmp_path, monkeypatch, workers
):
    monkeypatch.setitem(sys.modules, 'trackers', None)
    one = TrackletExtractor(BOXES, {'type': 'ByteTrack'})
    with pytest.raises(MissingPackageError, match=r'mmcion\[video\]'):
        one.run([three_videos], tmp_path / 'out', workers=workers)


def test_a_class_as_type(walk, tmp_path):
    one = extractor({'type': BoxFileDetector})
    assert len(one.run([walk], tmp_path / 'out')) == 60


def test_bad_workers(walk, tmp_path):
    with pytest.raises(UserError, match=r'workers.* 0'):
        extractor().run([walk], tmp_path / 'out', workers=0)
