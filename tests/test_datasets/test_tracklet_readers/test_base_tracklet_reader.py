import re

import pytest

from mmcion.datasets.tracklet_readers import (
    BaseTrackletReader,
    Layout,
    LUPersonNLReader,
    LUPersonReader,
    MARSReader,
)
from mmcion.datasets.tracklet_readers.base_tracklet_reader import (
    COPY,
    parse_names,
)
from mmcion.datasets.tracklet_readers.image_tree import WRONG_NAME
from mmcion.utils.checks import UserError

from .trees import counts_of, make_lmdb, rows_of, touch


class Reader(BaseTrackletReader):
    """Images as VIDEO/tracklet_frame.jpg or video_tracklet_frame.jpg."""

    tree = Layout(re.compile(r'(\d\d)_(\d)'), 'DAY/VIDEO/01_2.jpg')
    flat = Layout(re.compile(r'(\d)_(\d\d)_(\d)'), 'images/0_01_2.jpg')
    wrong_levels = {1: 'give the parent folder'}  # noqa: RUF012

    def columns(self, fields, video):
        tracklet, frame = fields.T
        return {'video': video, 'tracklet': tracklet, 'frame': frame}

    def skipped(self, fields, folder):
        return {'first': fields[:, -1] == 9, 'second': fields[:, -1] >= 8}


def test_folders_are_videos(tmp_path):
    touch(tmp_path, 'b/v2/02_7.jpg', 'a/v1/02_2.jpg', 'a/v1/01_3.jpg')
    touch(tmp_path, 'a/v0/notes.txt', 'a/v3/x.jpg', 'c/v2/02_1.jpg')
    reading = Reader().read(tmp_path)
    # v0 and v3 have no images of the data set
    assert rows_of(reading.table) == [
        ('a/v1', 1, 3, 'a/v1/01_3.jpg'),
        ('a/v1', 2, 2, 'a/v1/02_2.jpg'),
        ('b/v2', 2, 7, 'b/v2/02_7.jpg'),
        ('c/v2', 2, 1, 'c/v2/02_1.jpg'),
    ]
    assert counts_of(reading.report)[WRONG_NAME] == 1
    assert reading.table.image_root == tmp_path


def test_folders_of_one_name_may_be_one_video(tmp_path, monkeypatch):
    monkeypatch.setattr(Reader, 'folder_is_video', True)
    touch(tmp_path, 'b/v2/02_7.jpg', 'a/v1/02_2.jpg', 'c/v2/02_1.jpg')
    reading = Reader().read(tmp_path)
    assert reading.table.videos == ('a/v1', 'b/v2')
    assert counts_of(reading.report) == {COPY: 1}


@pytest.mark.parametrize('folder', ['', 'images/'])
def test_flat_folder(tmp_path, folder):
    names = [f'{folder}{name}.jpg' for name in ('3_04_5', '1_02_3', '01-02')]
    touch(tmp_path, *names)
    reading = Reader().read(tmp_path)
    assert rows_of(reading.table) == [
        ('00001', 2, 3, names[1]),
        ('00003', 4, 5, names[0]),
    ]
    assert counts_of(reading.report) == {WRONG_NAME: 1}


def test_lmdb(tmp_path):
    make_lmdb(tmp_path / 'x', {'1_02_3': b'jpeg', 'other': b'jpeg'})
    reading = Reader().read(tmp_path / 'x')
    assert rows_of(reading.table) == [('00001', 2, 3, '1_02_3')]
    assert reading.table.image_root == tmp_path / 'x'
    assert counts_of(reading.report) == {WRONG_NAME: 1}


def test_skipped_images_are_counted_once(tmp_path):
    touch(tmp_path, 'a/v/01_7.jpg', 'a/v/01_8.jpg', 'a/v/01_9.jpg')
    reading = Reader().read(tmp_path)
    assert reading.table.frame.tolist() == [7]
    assert counts_of(reading.report) == {'first': 1, 'second': 1}
    assert reading.report.examples['first'] == ['a/v/01_9.jpg']


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        ('data/set/a/01_2.jpg', '3 folders deep and not 2: .* 2 above'),
        ('a/01_2.jpg', 'a/01_2.jpg, .* 1 folders .*: give the parent folder'),
        ('photo.jpg', r'found: photo\.jpg'),
        ('notes.txt', 'no image at all'),
    ],
)
def test_error_says_what_is_there(tmp_path, image, message):
    touch(tmp_path, image)
    with pytest.raises(UserError, match=message) as error:
        Reader().read(tmp_path)
    expected = 'expected: DAY/VIDEO/01_2.jpg or images/0_01_2.jpg'
    assert expected in str(error.value)
    assert 'skipped 1: ' in str(error.value)


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match='nothing'):
        Reader().read(tmp_path / 'nothing')


@pytest.mark.parametrize(
    ('layout', 'name', 'numbers'),
    [
        (LUPersonNLReader.tree, '000012_0000340_02', [12, 340, 2]),
        (LUPersonNLReader.tree, '433996_0000000_103', [433996, 0, 103]),
        (
            LUPersonNLReader.flat,
            '21697_000012_0000340_02',
            [21697, 12, 340, 2],
        ),
        (LUPersonReader.tree, '00000341_0002', [341, 2]),
        (LUPersonReader.flat, '34_01_0341_00001865', [34, 1, 341, 1865]),
        (MARSReader.tree, '0001C1T0002F035', [1, 1, 2, 35]),
        (MARSReader.tree, '00-1C6T0003F001', [-1, 6, 3, 1]),
        (MARSReader.tree, '0000C2T0001F1000', [0, 2, 1, 1000]),
    ],
)
def test_names_of_the_datasets(layout, name, numbers):
    fields, indices = parse_names([name], layout.pattern)
    assert fields.tolist() == [numbers]
    assert indices.tolist() == [0]


@pytest.mark.parametrize(
    ('layout', 'name'),
    [
        (LUPersonNLReader.tree, '000012_0000340_'),  # cut off
        (LUPersonNLReader.tree, '000012_0000340_2'),
        (LUPersonNLReader.tree, '12_0000340_02'),
        (LUPersonNLReader.tree, '00001_000012_0000340_02'),  # a key
        (LUPersonNLReader.tree, '000012_0000340_02 (1)'),
        (LUPersonNLReader.tree, '٠٠٠٠١٢_0000340_02'),  # digits, but not these
        (LUPersonNLReader.flat, '000012_0000340_02'),
        (LUPersonReader.tree, '00000341_002'),
        (LUPersonReader.flat, '34_01_0341_0000186'),
        (MARSReader.tree, '000001C1T0002F035'),
        (MARSReader.tree, '-1C1T0002F0'),
    ],
)
def test_other_names(layout, name):
    fields, indices = parse_names([name], layout.pattern)
    assert fields.shape == (0, layout.pattern.groups)
    assert not len(indices)


def test_indices_point_into_the_names():
    names = ['x', '00000001_0000', 'y', '00000002_0001']
    fields, indices = parse_names(names, LUPersonReader.tree.pattern)
    assert fields.tolist() == [[1, 0], [2, 1]]
    assert indices.tolist() == [1, 3]
