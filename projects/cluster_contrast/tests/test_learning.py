"""Adaptation to unlabelled images of drawn identities, tested on others."""

import csv

import numpy as np
import pytest

from mmcion.testing import draw_looks
from mmcion.utils.io import read_json
from tests.test_pretraining_learns import draw_identities
from tests.tool_utils import ROOT, call_main

SIZE, EPOCHS, SEEDS = (64, 32), 6, (0, 1, 2)
BACKBONE = """dict(
    _delete_=True, type='ResNet', depth=18, stem_channels=16, base_channels=16
)"""
SUPERVISED = 'configs/cion/benchmarks/fine-tune_resnet50-ibn_market1501.py'
UNLABELLED = (
    'projects/cluster_contrast/configs/uda_resnet50_msmt17-to-market1501.py'
)
SOURCE = f"""
_base_ = '{ROOT}/{SUPERVISED}'
model = dict(backbone={BACKBONE})
train_dataloader = dict(batch_size=32, num_workers=1)
train_cfg = dict(max_epochs=40)
"""
TARGET = f"""
_base_ = '{ROOT}/{UNLABELLED}'
model = dict(backbone={BACKBONE})
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
optim_wrapper = dict(optimizer=dict(lr=0.02))
train_cfg = dict(max_epochs={EPOCHS}, val_interval={EPOCHS})
default_hooks = dict(checkpoint=dict(interval={EPOCHS}))
"""


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """24 identities of a source, 24 and 16 of a target and its test."""
    folder = tmp_path_factory.mktemp('images')
    rng = np.random.default_rng(0)
    looks = draw_looks(64, rng)
    rng.shuffle(looks)
    parts = {'source': looks[:24], 'target': looks[24:48], 'test': looks[48:]}
    rows = {
        name: draw_identities(folder / name, chosen, 8, rng)
        for name, chosen in parts.items()
    }
    for name in ('source', 'target'):
        with open(folder / f'{name}.csv', 'w', newline='') as stream:
            writer = csv.writer(stream)
            writer.writerow(('path', 'pid', 'cam_id', 'split'))
            for image, pid, cam_id in rows[name]:
                writer.writerow((f'{name}/{image}', pid, cam_id, 'train'))
            for image, pid, cam_id in rows['test'] if name == 'target' else ():
                split = ('query', 'gallery')[cam_id]
                writer.writerow((f'test/{image}', pid, cam_id, split))
    return folder


def train(config, data, work_dir, *arguments, start=None):
    work_dir.mkdir()
    (work_dir / 'small.py').write_text(config)
    call_main(
        *('train.py', work_dir / 'small.py', '--work-dir', work_dir),
        *('--data', data, '--image-size', *SIZE, *arguments),
        *('--cfg-options', f'experiment_name={work_dir.name}'),
        f'model.backbone_checkpoint={start}',
    )


def mean_ap(run, out, checkpoint, **options):
    """Evaluate on the test of the target."""
    call_main(
        *('test.py', run / 'small.py', checkpoint, '--work-dir', run),
        *('--out', out, '--cfg-options'),
        *(f'{key}={value}' for key, value in options.items()),
    )
    return read_json(out)['reid/mAP']


@pytest.mark.slow
def test_adaptation_needs_a_start_but_no_labels(images, tmp_path):
    source = tmp_path / 'source'
    train(SOURCE, images / 'source.csv', source)
    start = source / 'epoch_40.pth'
    found = {'adapted': [], 'random': []}
    for seed in SEEDS:
        for name, checkpoint in (('adapted', start), ('random', None)):
            run = tmp_path / f'{name}{seed}'
            train(
                *(TARGET, images / 'target.csv', run, '--seed', seed),
                start=checkpoint,
            )
            last = run / f'epoch_{EPOCHS}.pth'
            options = {'experiment_name': f'test_{run.name}'}
            score = mean_ap(run, run / 'scores.json', last, **options)
            found[name].append(score)
    before = mean_ap(
        *(tmp_path / 'adapted0', tmp_path / 'before.json', start),
        **{
            'experiment_name': 'before',
            'model.neck': None,
            'model.head': None,
        },
    )
    print(f'mAP {before:.3f} of the source, after adaptation {found}')
    assert min(found['adapted']) > before
    assert min(found['adapted']) > max(found['random']) + 0.05
