"""Fine-tuning on drawn identities, evaluated on others."""

import csv

import numpy as np
import pytest
from mmengine.config import Config

from mmcion.testing import draw_looks
from tests.drawn_identities import draw_identities
from tests.test_fine_tuning import ROOT, evaluate, read_images, train

NUM_PIDS, SIZE, EPOCHS = 40, (64, 32), 30


@pytest.fixture
def images(tmp_path):
    """A folder with ``images.csv``: 40 identities to train on, 20 to test."""
    folder = tmp_path / 'images'
    folder.mkdir()
    rng = np.random.default_rng(0)
    looks = draw_looks(NUM_PIDS + 20, rng)
    rng.shuffle(looks)
    rows = []
    for name, chosen, number in (
        ('train', looks[:NUM_PIDS], 16),
        ('test', looks[NUM_PIDS:], 4),
    ):
        for image, pid, cam_id in draw_identities(
            folder / name, chosen, number, rng
        ):
            part = name if name == 'train' else ('query', 'gallery')[cam_id]
            rows.append((f'{name}/{image}', pid, cam_id, part))
    with open(folder / 'images.csv', 'w', newline='') as stream:
        writer = csv.writer(stream)
        writer.writerows([('path', 'pid', 'cam_id', 'split'), *rows])
    return folder


def small_config(images):
    """The recipe with a small network and images, and a short schedule."""
    name = 'fine-tune_resnet50-ibn_market1501.py'
    cfg = Config.fromfile(ROOT / 'configs/cion/benchmarks' / name)
    read_images(cfg, images, SIZE)
    cfg.model.backbone.depth = 18
    cfg.model.head.num_classes = NUM_PIDS
    cfg.param_scheduler[0].update(
        warmup_ratio=0.1, milestone_ratios=[22 / 30, 28 / 30]
    )
    cfg.train_cfg.update(max_epochs=EPOCHS, val_interval=EPOCHS)
    return cfg


@pytest.mark.slow
def test_fine_tuning_separates_identities_that_it_has_not_seen(
    images, tmp_path
):
    run = tmp_path / 'run'
    train(small_config(images), run)
    options = {'model.neck': None, 'model.head': None}
    before, _ = evaluate(run, None, tmp_path / 'before', **options)
    last = run / f'epoch_{EPOCHS}.pth'
    after, _ = evaluate(run, last, tmp_path / 'after')
    before, after = (scores['reid/mAP'] for scores in (before, after))
    print(f'mAP {before:.3f} before, {after:.3f} after')
    assert after > before + 0.3  # 0.133 to 0.617 with this seed
