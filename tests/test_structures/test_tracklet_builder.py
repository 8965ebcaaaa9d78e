import json

import numpy as np
import pytest

from mmcion.structures import TrackletTable
from mmcion.structures.tracklet_builder import (
    DUPLICATE,
    TrackletBuilder,
    TrackletReading,
    index_in_run,
)
from mmcion.utils.checks import UserError
from mmcion.utils.skip_report import SkipReport


def add(builder, video, tracklet, frames, **columns):
    builder.add(
        video=video,
        tracklet=tracklet,
        frame=np.array(frames),
        path=[f'{video}/{tracklet}/{f}.jpg'.encode() for f in frames],
        **columns,
    )


def test_random_rows_come_out_sorted():
    rng = np.random.default_rng(0)
    keys = np.unique(rng.integers(0, 9, (500, 4)), axis=0)
    names = np.array(['_'.join(map(str, key)).encode() for key in keys])
    builder = TrackletBuilder()
    for rows in np.array_split(rng.permutation(len(keys)), 7):
        video, tracklet, frame, item = keys[rows].T
        builder.add(
            video=video,
            tracklet=tracklet,
            frame=frame,
            item=item,
            path=names[rows],
            truth=video * tracklet,
        )
    assert len(builder) == len(keys)

    rows = builder.sorted_rows(SkipReport(''))

    found = [rows[name] for name in ('video', 'tracklet', 'frame', 'item')]
    assert np.stack(found, 1).tolist() == keys.tolist()
    assert rows['path'].tolist() == names.tolist()
    assert rows['truth'].tolist() == (keys[:, 0] * keys[:, 1]).tolist()
    assert len(builder) == 0


def test_paths_of_different_length_are_whole():
    builder = TrackletBuilder()
    add(builder, 0, 0, [7])
    add(builder, 0, 123456, [1_000_000, 2_000_000])
    assert builder.sorted_rows(SkipReport(''))['path'].tolist() == [
        b'0/0/7.jpg',
        b'0/123456/1000000.jpg',
        b'0/123456/2000000.jpg',
    ]


def test_first_of_equal_rows_stays():
    builder, report = TrackletBuilder(), SkipReport('')
    builder.add(
        video=0,
        tracklet=np.array([1, 1, 1]),
        frame=np.array([2, 2, 2]),
        item=np.array([0, 1, 0]),
        path=[b'first', b'other', b'again'],
    )
    assert builder.sorted_rows(report)['path'].tolist() == [b'first', b'other']
    assert report.counts == {DUPLICATE: 1}
    assert report.examples == {DUPLICATE: ['again']}


def test_renumber():
    builder = TrackletBuilder()
    for video in (2, 0, 1):
        add(builder, video, 0, [0])
    builder.renumber('video', np.array([30, 20, 10]))
    rows = builder.sorted_rows(SkipReport(''))
    assert rows['video'].tolist() == [10, 20, 30]
    assert rows['path'].tolist() == [b'2/0/0.jpg', b'1/0/0.jpg', b'0/0/0.jpg']


def test_no_rows():
    builder = TrackletBuilder()
    add(builder, 0, 0, [])
    with pytest.raises(UserError):
        builder.sorted_rows(SkipReport(''))


def test_index_in_run():
    group = np.array([0, 0, 0, 4, 4, 2])
    assert index_in_run(group).tolist() == [0, 1, 2, 0, 1, 0]
    assert index_in_run(np.array([3])).tolist() == [0]


def reading(folder, *, truth):
    builder = TrackletBuilder()
    columns = {'truth': np.array([5, -1])} if truth else {}
    add(builder, 40, 9, [3, 4], box=np.ones((2, 4)), **columns)
    add(builder, 7, 2, [0, 1], box=np.zeros((2, 4)), **columns)
    report = SkipReport('there')
    return TrackletReading.from_rows(
        builder.sorted_rows(report),
        video_name='v{}'.format,
        image_root=folder,
        report=report,
    )


def test_saved_reading(tmp_path):
    reading(tmp_path / 'images', truth=True).save(tmp_path / 'out')

    table = TrackletTable.load(tmp_path / 'out' / 'table')
    assert table.videos == ('v7', 'v40')
    assert table.video_id.tolist() == [0, 0, 1, 1]
    assert table.tracklet_id.tolist() == [2, 2, 9, 9]
    assert table.frame.tolist() == [0, 1, 3, 4]
    assert table.box[:, 0].tolist() == [0, 0, 1, 1]
    assert table.image_path(3) == tmp_path / 'images' / '40' / '9' / '4.jpg'
    truth = np.load(tmp_path / 'out' / 'truth.npy')
    assert truth.tolist() == [5, -1, 5, -1]
    assert truth.dtype == np.int32
    report = json.loads((tmp_path / 'out' / 'skipped.json').read_text())
    assert report['kept'] == {'images': 4, 'tracklets': 2, 'videos': 2}


def test_truth_of_an_earlier_reading_is_removed(tmp_path):
    reading(tmp_path, truth=True).save(tmp_path / 'out')
    again = reading(tmp_path, truth=False)
    again.save(tmp_path / 'out')
    assert not (tmp_path / 'out' / 'truth.npy').exists()
    assert again.summary() == '4 images, 2 tracklets, 2 videos'


def test_old_results_stay_if_the_disk_is_full(tmp_path, monkeypatch):
    reading(tmp_path, truth=True).save(tmp_path)
    before = {
        path: path.read_bytes()
        for path in tmp_path.rglob('*.*')
        if path.is_file()
    }
    second = reading(tmp_path, truth=False)

    def fail(folder):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(second.table, 'save', fail)
    with pytest.raises(OSError, match='No space'):
        second.save(tmp_path)
    for path, content in before.items():
        assert path.read_bytes() == content
