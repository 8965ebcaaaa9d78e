import pytest

from mmcion.datasets.listed_images import MISSING
from mmcion.datasets.tracklet_readers import csv_table, read_csv
from mmcion.structures.tracklet_builder import DUPLICATE
from mmcion.utils.checks import UserError

from .trees import counts_of, rows_of, touch


@pytest.fixture
def write(tmp_path):
    def write(*lines, encoding='utf-8'):
        file = tmp_path / 'images.csv'
        file.write_text('\n'.join(lines) + '\n', encoding=encoding)
        touch(tmp_path, 'a.jpg', 'b.jpg', 'c.jpg', 'straße/d.jpg')
        return file

    return write


def test_any_order_and_any_names(write, monkeypatch):
    monkeypatch.setattr(csv_table, '_CHUNK', 2)
    file = write(
        'frame, tracklet, path, video',
        '7,woman,a.jpg,street 2',
        '',
        '3,man,"b.jpg",street 10',
        '1,woman,c.jpg,street 2',
        '5,woman,straße/d.jpg,street 10',
        encoding='utf-8-sig',
    )
    reading = read_csv(file)
    assert rows_of(reading.table) == [
        ('street 10', 0, 3, 'b.jpg'),
        ('street 10', 1, 5, 'straße/d.jpg'),
        ('street 2', 1, 1, 'c.jpg'),
        ('street 2', 1, 7, 'a.jpg'),
    ]
    assert reading.table.box is None
    assert reading.truth is None


def test_numbers_of_tracklets_stay(write):
    file = write(
        *('path,video,tracklet,frame', 'a.jpg,v,70,0', 'b.jpg,v,8,0'),
    )
    table = read_csv(file).table
    assert table.tracklet_id.tolist() == [8, 70]


def test_leading_zeros_make_names(write):
    file = write(
        *('path,video,tracklet,frame', 'a.jpg,v,7,0', 'b.jpg,v,07,0'),
    )
    assert rows_of(read_csv(file).table) == [
        ('v', 0, 0, 'b.jpg'),
        ('v', 1, 0, 'a.jpg'),
    ]


def test_boxes_and_ignored_columns(write):
    file = write(
        'path,video,tracklet,frame,h,w,y,x,remark',
        'b.jpg,v,1,2,4,3,2,1.5,x',
        'a.jpg,v,1,0,8,7,6,5,y',
    )
    with pytest.raises(UserError, match='remark is unknown.*--ignore'):
        read_csv(file)
    table = read_csv(file, ignore=['remark']).table
    assert table.box.tolist() == [[5, 6, 7, 8], [1.5, 2, 3, 4]]


def test_duplicates_are_counted(write):
    file = write(
        'path,video,tracklet,frame',
        *('a.jpg,v,1,0', 'b.jpg,v,1,1', 'a.jpg,v,1,0'),
    )
    reading = read_csv(file)
    assert len(reading.table) == 2
    assert counts_of(reading.report) == {DUPLICATE: 1}


def test_missing_images(write, tmp_path):
    file = write(
        'path,video,tracklet,frame',
        *('a.jpg,v,1,0', 'gone.jpg,v,2,0', 'b.jpg,w,1,1'),
    )
    with pytest.raises(UserError, match=r'gone\.jpg'):
        read_csv(file)
    reading = read_csv(file, tmp_path, check_files=True)
    assert rows_of(reading.table) == [
        ('v', 1, 0, 'a.jpg'),
        ('w', 1, 1, 'b.jpg'),
    ]
    assert counts_of(reading.report) == {MISSING: 1}
    with pytest.raises(FileNotFoundError):
        read_csv(file, tmp_path / 'nowhere')


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        (['path,video,frame', 'a.jpg,v,1'], 'column tracklet is missing'),
        (['a.jpg,v,1,0'], 'column path, video'),
        (
            ['path,video,tracklet,frame,x,y', 'a,v,1,0,1,2'],
            'column w, h is missing',
        ),
        (['path,path,video,tracklet,frame'], 'twice'),
        (['path,video,tracklet,frame,w,w'], 'twice'),
        (['path;video;tracklet;frame'], 'path;video'),
        (['path,video,tracklet,frame', '"a.jpg,v,1,2', 'b'], 'line'),
        ([''], 'found none'),
        (['path,video,tracklet,frame'], 'lists no images'),
        (['path,video,tracklet,frame', 'a.jpg,v,1,x'], 'line 2: invalid'),
        (['path,video,tracklet,frame', 'a.jpg,v,1,-1'], 'line 2: frame -1'),
        (['path,video,tracklet,frame', 'a.jpg,v,1'], 'line 2: 3 values of 4'),
        (['path,video,tracklet,frame', 'a.jpg,,1,0'], 'line 2: .* empty'),
        (
            ['path,video,tracklet,frame,x,y,w,h', 'a.jpg,v,1,0,1,1,nan,1'],
            r"line 2: .* \['1', '1', 'nan', '1'\]",
        ),
    ],
)
def test_mistakes_name_the_line(write, lines, message):
    with pytest.raises(UserError, match=message):
        read_csv(write(*lines))


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'images\.csv'):
        read_csv(tmp_path / 'images.csv')
