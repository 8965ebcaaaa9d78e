import logging

import cv2
import numpy as np
import pytest
from mmengine.logging import MMLogger

import mmcion
from mmcion.apis.denoise_report import report_denoising
from mmcion.structures import TrackletTable

CONFIG = {'pipeline': [{'type': 'SingleTrackletDenoiser', 'sigma': 0.5}]}


@pytest.fixture
def crops(tmp_path):
    """Folder of six images."""
    folder = tmp_path / 'crops'
    folder.mkdir()
    noise = np.random.default_rng(0)
    for row in range(6):
        image = noise.integers(0, 256, (32, 16, 3), np.uint8)
        cv2.imwrite(str(folder / f'{row}.png'), image)
    return folder


@pytest.fixture
def warnings(caplog):
    """Return a function that gives the texts of logged warnings."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield lambda: [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING
    ]
    logger.removeHandler(caplog.handler)


def make_table(root, paths=True):
    return TrackletTable.from_columns(
        video_id=[0] * 6,
        tracklet_id=[0, 0, 0, 1, 1, 1],
        frame=[0, 1, 2] * 2,
        path=[f'{row}.png' for row in range(6)] if paths else None,
        image_root=root,
    )


def write_page(table, folder, **options):
    feats = np.eye(2)[[0, 0, 1, 1, 1, 1]]
    labels = mmcion.denoise(table, feats, CONFIG)
    report_denoising(table, labels, folder / 'page.html', **options)
    page = (folder / 'page.html').read_text()
    assert '<b>2</b><span>identities</span>' in page
    return page


def test_images_in_a_folder(crops, tmp_path, warnings):
    page = write_page(make_table(crops), tmp_path)
    assert 'image/jpeg' in page
    assert 'could not be read' not in page
    assert not warnings()
    page = write_page(make_table(crops), tmp_path, max_tiles=0)
    assert 'image/jpeg' not in page


def test_images_in_an_lmdb_are_the_same_page(crops, tmp_path, warnings):
    lmdb = pytest.importorskip('lmdb')
    with (
        lmdb.open(str(tmp_path / 'all.lmdb'), map_size=1 << 22) as database,
        database.begin(write=True) as transaction,
    ):
        for file in crops.iterdir():
            transaction.put(file.name.encode(), file.read_bytes())
    expected = write_page(make_table(crops), tmp_path)
    page = write_page(make_table(tmp_path / 'all.lmdb'), tmp_path)
    pictures = [text.count('image/jpeg') for text in (page, expected)]
    assert pictures[0] == pictures[1] > 0
    assert 'could not be read' not in page
    assert not warnings()


@pytest.mark.parametrize('name', ['gone.lmdb', 'gone'])
def test_page_without_pictures_where_images_are_gone(tmp_path, warnings, name):
    page = write_page(make_table(tmp_path / name), tmp_path)
    assert 'image/jpeg' not in page
    (warning,) = warnings()
    assert 'page.html has no pictures' in warning
    assert str(tmp_path / name) in warning


def test_folder_that_is_no_lmdb(crops, tmp_path, warnings):
    (tmp_path / 'all.lmdb').mkdir()
    page = write_page(make_table(tmp_path / 'all.lmdb'), tmp_path)
    assert 'image/jpeg' not in page
    assert 'must be a file or a folder with data.mdb' in warnings()[0]


def test_single_images_may_be_missing(crops, tmp_path):
    (crops / '2.png').unlink()
    (crops / '0.png').write_bytes(b'no image')
    page = write_page(make_table(crops), tmp_path)
    assert 'image/jpeg' in page
    assert 'could not be read' in page


def test_damaged_lmdb(tmp_path):
    pytest.importorskip('lmdb')
    (tmp_path / 'all.lmdb').write_bytes(b'no database')
    page = write_page(make_table(tmp_path / 'all.lmdb'), tmp_path)
    assert 'image/jpeg' not in page
    assert 'could not be read' in page


def test_table_without_paths(tmp_path, warnings):
    page = write_page(make_table(None, paths=False), tmp_path)
    assert 'image/jpeg' not in page
    assert 'no image paths' in page
    assert not warnings()


def test_labels_of_another_table_are_refused(crops, tmp_path):
    labels = mmcion.denoise(
        make_table(crops), np.eye(2)[[0, 0, 1, 1, 1, 1]], CONFIG
    )
    other = TrackletTable.from_columns(
        video_id=[0] * 6, tracklet_id=[0] * 6, frame=range(6)
    )
    with pytest.raises(ValueError, match='those of another table'):
        report_denoising(other, labels, tmp_path / 'page.html')
