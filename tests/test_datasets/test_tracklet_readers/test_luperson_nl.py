import pytest

from mmcion.datasets.tracklet_readers import LUPersonNLReader
from mmcion.datasets.tracklet_readers.base_tracklet_reader import COPY
from mmcion.datasets.tracklet_readers.image_tree import (
    EMPTY_FILE,
    NOT_AN_IMAGE,
    OTHER_LEVEL,
    TOO_DEEP,
    WRONG_NAME,
)
from mmcion.structures.tracklet_builder import DUPLICATE
from mmcion.utils.checks import UserError

from .trees import counts_of, dump, make_lmdb, rows_of, touch

ROME = 'italy/rome/abc-_defghi'
PARIS = 'france/paris/ABCdef12345'


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / 'lupersonnl'
    touch(
        *(root, f'{ROME}/000012_0000340_02.jpg'),
        *(f'{ROME}/000012_0000320_00.jpg', f'{ROME}/000007_0000340_01.jpg'),
        *(f'{PARIS}/000003_0000000_00.jpg', f'{PARIS}/000012_0000010_00.jpg'),
    )
    return root


def test_folders(tree):
    reading = LUPersonNLReader().read(tree)
    assert rows_of(reading.table) == [
        (PARIS, 3, 0, f'{PARIS}/000003_0000000_00.jpg'),
        (PARIS, 12, 10, f'{PARIS}/000012_0000010_00.jpg'),
        (ROME, 7, 340, f'{ROME}/000007_0000340_01.jpg'),
        (ROME, 12, 320, f'{ROME}/000012_0000320_00.jpg'),
        (ROME, 12, 340, f'{ROME}/000012_0000340_02.jpg'),
    ]
    # 12 was tracked in both videos: two tracklets
    assert reading.table.num_tracklets == 4
    assert any(
        '1 person numbers come again' in x for x in reading.report.notes
    )
    assert '5 images, published are 10,683,716' in reading.report.notes
    assert counts_of(reading.report) == {}
    assert reading.table.image_path(0).read_bytes() == b'jpeg'


@pytest.mark.parametrize('folder', ['', 'images/'])
def test_one_flat_folder(tmp_path, folder):
    names = [
        f'{folder}{name}.jpg'
        for name in (
            '00002_000012_0000340_02',
            '00001_000012_0000010_00',
            '00001_000003_0000000_00',
        )
    ]
    touch(tmp_path, *names, f'{folder}000003_0000000_00.jpg')
    reading = LUPersonNLReader().read(tmp_path)
    assert rows_of(reading.table) == [
        ('00001', 3, 0, names[2]),
        ('00001', 12, 10, names[1]),
        ('00002', 12, 340, names[0]),
    ]
    assert counts_of(reading.report) == {WRONG_NAME: 1}


def test_everything_wrong_is_counted(tree):
    touch(tree, f'{ROME}/000012_0000360_.jpg', f'{ROME}/000012_000038.jpg')
    touch(tree, f'{ROME}/000012_0000360_00.jpg.tmp', f'{ROME}/labels.txt')
    touch(tree, 'italy/rome/000012_0000360_00.jpg', f'{ROME}/x/1.jpg')
    touch(tree, f'{ROME}/000012_0000340_02.jpeg')  # again, other suffix
    touch(tree, 'italy/milan/ABCdef12345/000003_0000000_00.jpg')  # as Paris
    touch(tree, f'{ROME}/000012_0000400_00.jpg', content=b'')
    reading = LUPersonNLReader(check_sizes=True).read(tree)
    assert len(reading.table) == 5
    assert counts_of(reading.report) == {
        WRONG_NAME: 2,
        NOT_AN_IMAGE: 2,
        OTHER_LEVEL: 1,
        TOO_DEEP: 1,
        DUPLICATE: 1,
        COPY: 1,
        EMPTY_FILE: 1,
    }
    assert reading.report.examples[COPY] == [
        'italy/milan/ABCdef12345/000003_0000000_00.jpg'
    ]


def test_two_boxes_of_one_person_in_a_frame_stay(tree):
    touch(tree, f'{ROME}/000012_0000340_05.jpg')
    reading = LUPersonNLReader().read(tree)
    assert len(reading.table) == 6
    assert any('a second time in one frame' in x for x in reading.report.notes)


def test_folders_that_are_no_videos_are_mentioned(tmp_path):
    touch(tmp_path, 'a/b/c/000012_0000340_02.jpg')
    notes = LUPersonNLReader().read(tmp_path).report.notes
    assert any('a/b/c is taken as COUNTRY/CITY/VIDEO' in x for x in notes)


def test_too_deep_and_too_shallow(tree):
    inside = tree / ROME.split('/')[0]
    with pytest.raises(UserError, match='2 folders deep and not 3') as error:
        LUPersonNLReader().read(inside)
    assert 'expected: COUNTRY/CITY/VIDEOID/000012_0000340_02.jpg' in str(
        error.value
    )
    with pytest.raises(UserError, match='4 folders deep and not 3'):
        LUPersonNLReader().read(tree.parent)


KEYS = [
    '00002_000012_0000340_02',
    '00001_000003_0000000_00',
    '00002_000012_0000320_00',
]


@pytest.mark.parametrize('listed', [True, False])
def test_lmdb(tmp_path, listed):
    stray = ['__len__', '00002_000012_000032']
    make_lmdb(tmp_path / 'lmdb', KEYS + stray)
    if listed:
        keys = [*KEYS, *stray, KEYS[0]]
        dump(tmp_path / 'keys.pkl', {'keys': keys, 'pids': [12, 3, 12]})
    reading = LUPersonNLReader().read(tmp_path)
    assert rows_of(reading.table) == [
        ('00001', 3, 0, KEYS[1]),
        ('00002', 12, 320, KEYS[2]),
        ('00002', 12, 340, KEYS[0]),
    ]
    assert reading.table.image_root == tmp_path / 'lmdb'
    twice = {DUPLICATE: 1} if listed else {}
    assert counts_of(reading.report) == {WRONG_NAME: 2, **twice}


def test_keys_of_another_dataset(tmp_path):
    make_lmdb(tmp_path / 'x', ['34_01_0341_00001865'])
    with pytest.raises(UserError, match='such as 34_01_0341') as error:
        LUPersonNLReader().read(tmp_path / 'x')
    assert 'images/00001_000012_0000340_02.jpg (or such keys' in str(
        error.value
    )
    file = (tmp_path / 'x' / 'data.mdb').rename(tmp_path / 'images.lmdb')
    with pytest.raises(UserError, match='such as 34_01_0341'):
        LUPersonNLReader().read(file)


def test_nothing_there(tmp_path):
    with pytest.raises(UserError, match='no image at all'):
        LUPersonNLReader().read(tmp_path)
    with pytest.raises(FileNotFoundError):
        LUPersonNLReader().read(tmp_path / 'x')
