"""Fine-tuning on drawn people, judged on other drawn people."""

import csv

import numpy as np
import pytest
from mmengine.config import Config

from mmcion.testing import draw_looks
from tests.test_fine_tuning import ROOT, judge, take_people, train
from tests.test_pretraining_learns import write_people

NUM_PEOPLE, SIZE, EPOCHS = 40, (64, 32), 30


@pytest.fixture
def people(tmp_path):
    """A folder with ``people.csv``: 40 to train on, 20 others to find."""
    folder = tmp_path / 'people'
    folder.mkdir()
    rng = np.random.default_rng(0)
    looks = draw_looks(NUM_PEOPLE + 20, rng)
    rng.shuffle(looks)
    rows = []
    for name, chosen, number in (
        ('train', looks[:NUM_PEOPLE], 16),
        ('test', looks[NUM_PEOPLE:], 4),
    ):
        for image, pid, cam_id in write_people(
            folder / name, chosen, number, rng
        ):
            part = name if name == 'train' else ('query', 'gallery')[cam_id]
            rows.append((f'{name}/{image}', pid, cam_id, part))
    with open(folder / 'people.csv', 'w', newline='') as stream:
        writer = csv.writer(stream)
        writer.writerows([('path', 'pid', 'cam_id', 'split'), *rows])
    return folder


def small_config(people):
    """The recipe with a small network and images, and a short schedule."""
    name = 'fine-tune_resnet50-ibn_market1501.py'
    cfg = Config.fromfile(ROOT / 'configs/cion/benchmarks' / name)
    take_people(cfg, people, SIZE)
    cfg.model.backbone.depth = 18
    cfg.model.head.num_classes = NUM_PEOPLE
    cfg.param_scheduler[0].update(
        warmup_ratio=0.1, milestone_ratios=[22 / 30, 28 / 30]
    )
    cfg.train_cfg.update(max_epochs=EPOCHS, val_interval=EPOCHS)
    return cfg


@pytest.mark.slow
def test_fine_tuning_tells_people_apart_that_it_has_not_seen(people, tmp_path):
    run = tmp_path / 'run'
    train(small_config(people), run)
    options = {'model.neck': None, 'model.head': None}
    before, _ = judge(run, None, tmp_path / 'before', **options)
    last = run / f'epoch_{EPOCHS}.pth'
    after, _ = judge(run, last, tmp_path / 'after')
    before, after = (scores['reid/mAP'] for scores in (before, after))
    print(f'mAP {before:.3f} before, {after:.3f} after')
    assert after > before + 0.3  # 0.133 to 0.617 with this seed
