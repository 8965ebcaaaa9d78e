import logging

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from torch import nn

import mmcion
from mmcion.apis.reports import (
    browse_dataset,
    query_activations,
    report_denoising,
)
from mmcion.evaluation import EvaluationOptions, evaluate_features
from mmcion.models.weights.network_config import resize_pipeline
from mmcion.structures import TrackletTable
from mmcion.utils.checks import UserError

from ..test_evaluation.test_retrieval import make_features
from ..test_visualization.html_page import Page
from ..tiny import write_identities, write_image, write_query_gallery

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
    page = Page(folder / 'page.html')
    assert page.cards['identities'][0] == '2'
    return page


def test_images_in_a_folder(crops, tmp_path, warnings):
    page = write_page(make_table(crops), tmp_path)
    assert page.images('jpeg')
    assert 'could not be read' not in page.text
    assert not warnings()
    page = write_page(make_table(crops), tmp_path, max_tiles=0)
    assert not page.images('jpeg')


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
    crops = [len(each.images('jpeg')) for each in (page, expected)]
    assert crops[0] == crops[1] > 0
    assert 'could not be read' not in page.text
    assert not warnings()


@pytest.mark.parametrize('name', ['gone.lmdb', 'gone'])
def test_page_without_crops_where_images_are_gone(tmp_path, warnings, name):
    page = write_page(make_table(tmp_path / name), tmp_path)
    assert not page.images('jpeg')
    (warning,) = warnings()
    assert 'page.html has no crops' in warning
    assert str(tmp_path / name) in warning


def test_folder_that_is_no_lmdb(crops, tmp_path, warnings):
    (tmp_path / 'all.lmdb').mkdir()
    page = write_page(make_table(tmp_path / 'all.lmdb'), tmp_path)
    assert not page.images('jpeg')
    assert 'must be a file or a folder with data.mdb' in warnings()[0]


def test_single_images_may_be_missing(crops, tmp_path):
    (crops / '2.png').unlink()
    (crops / '0.png').write_bytes(b'no image')
    page = write_page(make_table(crops), tmp_path)
    assert page.images('jpeg')
    assert 'could not be read' in page.text


def test_damaged_lmdb(tmp_path):
    pytest.importorskip('lmdb')
    (tmp_path / 'all.lmdb').write_bytes(b'no database')
    page = write_page(make_table(tmp_path / 'all.lmdb'), tmp_path)
    assert not page.images('jpeg')
    assert 'could not be read' in page.text


def test_table_without_paths(tmp_path, warnings):
    page = write_page(make_table(None, paths=False), tmp_path)
    assert not page.images('jpeg')
    assert 'no image paths' in page.text
    assert not warnings()


def test_labels_of_another_table_are_refused(crops, tmp_path):
    labels = mmcion.denoise(
        make_table(crops), np.eye(2)[[0, 0, 1, 1, 1, 1]], CONFIG
    )
    other = TrackletTable.from_columns(
        video_id=[0] * 6, tracklet_id=[0] * 6, frame=range(6)
    )
    with pytest.raises(UserError, match='another table'):
        report_denoising(other, labels, tmp_path / 'page.html')


class TinyNetwork(nn.Module):
    """One convolution, with a map over the image."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 8, stride=8)

    def forward(self, images):
        return (self.conv(images),)


@pytest.fixture
def result(tmp_path):
    features = make_features()
    for name in features.img_path:
        write_image(tmp_path / name)
    features.img_path = np.array(
        [str(tmp_path / name) for name in features.img_path]
    )
    return evaluate_features(features, EvaluationOptions(keep_nearest=3))


def test_activations_of_the_best_and_the_worst_queries(result):
    best, worst = query_activations(result, TinyNetwork())
    for group, chosen in ((best, slice(4)), (worst, slice(-4, None))):
        (tiles,) = group.sides
        assert len(tiles) == 8  # four images, each with its map
        valid = np.sort(result.ap[result.num_matches > 0])[::-1]
        notes = [tile.caption for tile in tiles[1::2]]
        assert notes == [f'AP {ap:.2f}' for ap in valid[chosen]]
    result.num_matches[3:] = 0
    (only,) = query_activations(result, TinyNetwork())
    assert len(only.sides[0]) == 6
    result.num_matches[:] = 0
    assert query_activations(result, TinyNetwork()) == []


def test_activations_of_a_pipeline(result):
    # 8 x 8 pixels are one cell of the network, which is no map
    pipeline = resize_pipeline((8, 8))
    assert query_activations(result, TinyNetwork(), pipeline) == []


def test_missing_images_have_no_activations(result, tmp_path):
    for file in tmp_path.glob('*.jpg'):
        file.unlink()
    assert query_activations(result, TinyNetwork()) == []


def make_config(**loaders):
    return Config(
        {
            f'{split}_dataloader': {'dataset': dataset}
            for split, dataset in loaders.items()
        }
    )


@pytest.fixture
def market(tmp_path):
    names = {
        'query': ('0001_c1s1_000001_00.jpg',),
        'bounding_box_test': (
            '0001_c2s1_000002_00.jpg',
            '-1_c1s1_000003_00.jpg',
        ),
        'bounding_box_train': (
            '0003_c1s1_000004_00.jpg',
            '0005_c4s1_000005_00.jpg',
        ),
    }
    for folder, files in names.items():
        for name in files:
            write_image(tmp_path / 'market1501' / folder / name)
    return {
        'type': 'Market1501',
        'data_root': str(tmp_path),
        'pipeline': [{'type': 'a transform that is not installed'}],
    }


def parts_of(*args, **options):
    view = browse_dataset(*args, **options)
    return [tuple(vars(part).values()) for part in view.parts]


def test_evaluation_set(market):
    cfg = make_config(test=market)
    assert parts_of(cfg) == [
        ('query', 1, 1, 1),
        ('gallery', 1, 1, 1),
        ('junk, ignored', 1, None, 1),
    ]
    title, *identities = browse_dataset(cfg).groups
    assert title.heading == 'Market1501, test'
    assert title.note.split('\n')[1:] == [
        'query: 1 image, 1 identity, 1 camera',
        'gallery: 1 image, 1 identity, 1 camera',
        'junk, ignored: 1 image, 1 camera',
    ]
    assert len(identities) == 2
    # the config does not train, but the set has such a part
    assert parts_of(cfg, 'train') == [('training', 2, 2, 2)]


def test_csv_file(tmp_path):
    write_query_gallery(tmp_path, 3)
    dataset = {
        'type': 'ReIDDataset',
        'ann_file': str(tmp_path / 'query_gallery.csv'),
        'data_root': str(tmp_path),
    }
    assert parts_of(make_config(test=dataset)) == [
        ('query', 3, 3, 1),
        ('gallery', 3, 3, 1),
    ]


def test_pre_training(tmp_path):
    write_identities(tmp_path)
    dataset = {
        'type': 'IdentityDataset',
        'ann_file': str(tmp_path / 'annotation'),
        'data_root': str(tmp_path),
    }
    cfg = make_config(train=dataset)
    assert parts_of(cfg) == [('training', 16, 4, 2)]
    (tmp_path / '0.png').unlink()
    head, *_ = browse_dataset(cfg).groups
    assert '1 of 16 images could not be read' in head.note
    assert '0.png' in head.note


def test_config_without_such_data(market):
    with pytest.raises(UserError, match=r'no test_dataloader.*none'):
        browse_dataset(Config())
    cfg = make_config(train={**market, 'split': 'train'})
    assert parts_of(cfg) == [('training', 2, 2, 2)]
    with pytest.raises(
        UserError, match=r'no test_dataloader.* train_dataloader'
    ):
        browse_dataset(cfg, 'test')
