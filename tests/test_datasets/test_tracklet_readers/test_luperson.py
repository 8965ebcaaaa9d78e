import pytest

from mmcion.datasets import open_images
from mmcion.datasets.image_packing import images_to_pack, pack_images
from mmcion.datasets.tracklet_readers import LUPersonReader
from mmcion.datasets.tracklet_readers.image_tree import (
    NOT_AN_IMAGE,
    OTHER_LEVEL,
    WRONG_NAME,
)
from mmcion.structures.tracklet_builder import DUPLICATE
from mmcion.utils.checks import UserError

from .trees import counts_of, dump, make_lmdb, rows_of, touch

ROME = 'italy/rome/abc-_defghi'
PARIS = 'france/paris/ABCdef12345'
KEYS = ['34_01_0341_00001865', '34_01_0007_00000003', '02_11_0341_00001865']


def test_folders_by_video(tmp_path):
    touch(tmp_path, f'{ROME}/00000001_0000.jpg', f'{ROME}/00000001_0001.jpg')
    touch(tmp_path, f'{PARIS}/00000341_0002.jpg', f'{PARIS}/00000341.jpg')
    reading = LUPersonReader().read(tmp_path)
    # frames in names count from 1
    assert rows_of(reading.table) == [
        (PARIS, 0, 340, f'{PARIS}/00000341_0002.jpg'),
        (ROME, 0, 0, f'{ROME}/00000001_0000.jpg'),
        (ROME, 1, 0, f'{ROME}/00000001_0001.jpg'),
    ]
    assert reading.table.num_tracklets == 3
    assert counts_of(reading.report) == {WRONG_NAME: 1}
    notes = ' '.join(reading.report.notes)
    assert 'min_images=1' in notes
    assert '3 images, published are 4,180,243' in notes
    assert '"auto"' not in notes


def test_frames_from_zero_stay(tmp_path):
    touch(tmp_path, f'{ROME}/00000000_0000.jpg', f'{ROME}/00000004_0001.jpg')
    assert LUPersonReader().read(tmp_path).table.frame.tolist() == [0, 4]


def check_keyed(reading, name):
    assert rows_of(reading.table) == [
        ('02_11_0341', 0, 1865, name(KEYS[2])),
        ('34_01_0007', 0, 3, name(KEYS[1])),
        ('34_01_0341', 0, 1864, name('34_01_0341_00001864')),
        ('34_01_0341', 1, 1865, name(KEYS[0])),
    ]
    assert any('"auto" thresholds' in note for note in reading.report.notes)


@pytest.mark.parametrize('folder', ['images/', ''])
def test_flat_folder(tmp_path, folder):
    for key in [*KEYS, '34_01_0341_00001864', '34_01_0341_0000186']:
        touch(tmp_path, f'{folder}{key}.jpg')
    touch(tmp_path, 'CFS_list.pkl')
    reading = LUPersonReader().read(tmp_path)
    check_keyed(reading, lambda key: f'{folder}{key}.jpg')
    assert counts_of(reading.report) == {WRONG_NAME: 1, NOT_AN_IMAGE: 1}


@pytest.mark.parametrize('listed', [True, False])
def test_lmdb(tmp_path, listed):
    keys = [*KEYS, '34_01_0341_00001864']
    make_lmdb(tmp_path / 'lmdb', keys)
    if listed:
        dump(tmp_path / 'keys.pkl', keys + keys[:1])
    reading = LUPersonReader().read(tmp_path)
    check_keyed(reading, str)
    assert reading.table.image_root == tmp_path / 'lmdb'
    assert counts_of(reading.report) == ({DUPLICATE: 1} if listed else {})


def test_missing_video_folders_are_an_error(tmp_path):
    touch(tmp_path, 'italy/rome/00000001_0000.jpg')
    with pytest.raises(UserError, match='folders of the videos are missing'):
        LUPersonReader().read(tmp_path)


def test_stray_images_beside_the_videos(tmp_path):
    touch(tmp_path, 'italy/rome/00000001_0000.jpg')
    touch(tmp_path, f'{ROME}/00000001_0000.jpg')
    reading = LUPersonReader().read(tmp_path)
    assert len(reading.table) == 1
    assert counts_of(reading.report) == {OTHER_LEVEL: 1}


def test_wrong_level(tmp_path):
    touch(tmp_path, f'data/{ROME}/00000001_0000.jpg')
    with pytest.raises(UserError, match='4 folders deep and not 3'):
        LUPersonReader().read(tmp_path)


def test_other_names(tmp_path):
    touch(tmp_path, f'{ROME}/000012_0000340_02.jpg')
    with pytest.raises(UserError, match='no images were found') as error:
        LUPersonReader().read(tmp_path)
    assert 'COUNTRY/CITY/VIDEO/00000341_0002.jpg or images/34' in str(
        error.value
    )
    assert 'found: italy/rome/abc-_defghi/000012' in str(error.value)


def pack(folder, out):
    for file in folder.rglob('*.jpg'):
        file.write_bytes(b'image')
    paths, root = images_to_pack(folder)
    pack_images(paths, open_images(root), out)
    return LUPersonReader().read(out)


@pytest.mark.parametrize('folder', ['images/', ''])
def test_flat_folder_that_was_packed(tmp_path, folder):
    keys = [*KEYS, '34_01_0341_00001864']
    touch(tmp_path / 'in', *(f'{folder}{key}.jpg' for key in keys))
    reading = pack(tmp_path / 'in', tmp_path / 'out')
    check_keyed(reading, lambda key: f'{folder}{key}.jpg')
    images = open_images(reading.table.image_root)
    assert images.read(f'{folder}{KEYS[0]}.jpg') == b'image'


def test_tree_that_was_packed(tmp_path):
    names = [f'{ROME}/00000001_0000.jpg', f'{PARIS}/00000341_0002.jpg']
    touch(tmp_path / 'in', *names, 'italy/rome/00000001_0001.jpg')
    reading = pack(tmp_path / 'in', tmp_path / 'out')
    assert rows_of(reading.table) == [
        (PARIS, 0, 340, names[1]),
        (ROME, 0, 0, names[0]),
    ]
    assert counts_of(reading.report) == {OTHER_LEVEL: 1}


def test_lmdb_whose_keys_are_file_names(tmp_path):
    keys = [*KEYS, '34_01_0341_00001864']
    make_lmdb(tmp_path / 'a.lmdb', [f'{key}.jpg' for key in keys])
    reading = LUPersonReader().read(tmp_path / 'a.lmdb')
    check_keyed(reading, lambda key: f'{key}.jpg')


@pytest.mark.parametrize('name', ['.thumbnails', '@eaDir', '__MACOSX'])
def test_folders_of_operating_systems_are_no_videos(tmp_path, name):
    touch(tmp_path, f'{ROME}/00000001_0000.jpg')
    touch(tmp_path, f'italy/{name}/video/00000001_0000.jpg')
    touch(tmp_path, f'italy/rome/{name}/00000001_0000.jpg')
    assert len(LUPersonReader().read(tmp_path).table) == 1
