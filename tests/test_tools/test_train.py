"""The options of the tool; whole runs are in tests/test_training.py."""

import json
import runpy
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from mmcion.registry import DATASETS
from mmcion.structures import AnnotationTable
from mmcion.utils.checks import UserError
from tests.golden import DATA
from tests.tiny import write_identities

ROOT = Path(__file__).parents[2]
FINE_TUNING = 'configs/cion/benchmarks/fine-tune_resnet50-ibn_market1501.py'


def read_recipe(*arguments, config=DATA / 'tiny_train.py'):
    tool = runpy.run_path(str(ROOT / 'tools' / 'train.py'))
    command = ['train.py', config, *arguments]
    with patch.object(sys, 'argv', [str(part) for part in command]):
        return tool['read_recipe'](tool['parse_args']())


def first_image(cfg):
    dataset = {**cfg.train_dataloader.dataset, 'pipeline': []}
    return DATASETS.build({**dataset, 'type': 'mmcion.IdentityDataset'})[0]


@pytest.fixture
def denoised(tmp_path):
    """Crops elsewhere, and what tools/denoise.py wrote about them."""
    crops = write_identities(tmp_path / 'crops')
    table = AnnotationTable.load(crops / 'annotation')
    table.image_root = crops
    table.save(tmp_path / 'identities' / 'annotation')
    return tmp_path / 'identities'


@pytest.mark.parametrize('name', ['', 'annotation'])
def test_data_of_denoising_states_where_its_images_are(denoised, name):
    cfg = read_recipe('--data', denoised / name)
    expected = denoised.parent / 'crops' / '0.png'
    assert first_image(cfg)['img_path'] == str(expected)


def test_images_that_were_moved_since(denoised):
    (denoised.parent / 'crops').rename(denoised.parent / 'moved')
    option = f'train_dataloader.dataset.data_root={denoised.parent}/moved'
    cfg = read_recipe('--data', denoised, '--cfg-options', option)
    expected = denoised.parent / 'moved' / '0.png'
    assert first_image(cfg)['img_path'] == str(expected)


def test_data_of_cion_is_a_json_beside_its_images(tmp_path):
    crops = write_identities(tmp_path)
    items = [{'file_path': '3.png', 'id': 8}]
    (crops / 'annos.json').write_text(json.dumps(items))
    cfg = read_recipe('--data', crops / 'annos.json')
    assert first_image(cfg)['img_path'] == str(crops / '3.png')


def test_data_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        read_recipe('--data', tmp_path / 'nowhere')


def test_fine_tuning_takes_data_of_denoising(denoised, tmp_path):
    cfg = read_recipe(
        *('--data', denoised, '--work-dir', tmp_path),
        *('--image-size', 64, 32),
        config=ROOT / FINE_TUNING,
    )
    assert first_image(cfg)['pid'] == 0
    assert cfg.model.head.num_classes == 4
    sizes = [t.size for t in cfg.train_dataloader.dataset.pipeline[1:4:2]]
    assert sizes == [(64, 32)] * 2
    assert 'val_dataloader' not in cfg


def test_what_the_options_say_counts(denoised, tmp_path):
    option = 'train_dataloader.dataset.pipeline.1.global_size=(32,32)'
    cfg = read_recipe(
        *('--data', denoised, '--image-size', 64, 32),
        *('--cfg-options', option),
    )
    crop = cfg.train_dataloader.dataset.pipeline[1]
    assert (crop.global_size, crop.local_size) == (
        (32, 32),
        (32, 16),
    )  # half of 64 x 32


def test_hold_out_needs_data():
    with pytest.raises(UserError, match='--data'):
        read_recipe('--hold-out', 0.5)


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        ((), (False, None)),
        (('--resume',), (True, None)),
        (('--resume', 'a.pth'), (True, 'a.pth')),
    ],
)
def test_resume(arguments, expected):
    cfg = read_recipe(*arguments)
    assert (cfg.resume, cfg.load_from) == expected


def test_seed():
    assert read_recipe('--seed', 5).randomness.seed == 5


@pytest.mark.parametrize(
    ('config', 'missing'),
    [
        ('denoise/three-levels_auto.py', 'model, train_dataloader'),
        ('eval/zero-shot_color-stripes_128x64.py', 'train_dataloader'),
    ],
)
def test_other_configs_are_not_for_training(config, missing):
    with pytest.raises(UserError, match=missing):
        read_recipe(config=ROOT / 'configs' / config)
