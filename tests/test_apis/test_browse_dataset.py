import numpy as np
import pytest
from mmengine.config import Config

from mmcion.apis.browse_dataset import browse_dataset

from ..tiny import write_identities, write_image, write_query_gallery


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
    assert view.sheet.ndim == 3 and view.sheet.dtype == np.uint8
    return [tuple(part) for part in view.parts]


def test_evaluation_set(market):
    cfg = make_config(test=market)
    assert parts_of(cfg) == [
        ('query', 1, 1, 1),
        ('gallery', 1, 1, 1),
        ('junk, left out', 1, None, 1),
    ]
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
    with pytest.raises(FileNotFoundError, match=r'0\.png'):
        browse_dataset(cfg)


def test_config_without_such_data(market):
    with pytest.raises(ValueError, match=r'the config has no test_.*has none'):
        browse_dataset(Config())
    cfg = make_config(train={**market, 'split': 'train'})
    assert parts_of(cfg) == [('training', 2, 2, 2)]
    with pytest.raises(ValueError, match=r'no test_.* it has train_dataload'):
        browse_dataset(cfg, 'test')
