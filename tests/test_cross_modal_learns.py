"""MMGL on drawn visible and infrared images, evaluated on other people."""

import numpy as np
import pytest

from mmcion.models.weights import read_checkpoint
from mmcion.testing.cross_modal_images import write_sysumm01
from mmcion.utils.io import read_json
from tests.tool_utils import ROOT, call_main
from tests.training_utils import logged

CONFIG = ROOT / 'configs/mmgl/mmgl_resnet50_1xb64-100e_sysumm01.py'
EPOCHS, SIZE = 15, (48, 24)


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """24 people to train on and 12 others to test, plain backgrounds."""
    root = tmp_path_factory.mktemp('images') / 'drawn'
    return write_sysumm01(root, 24, 12, size=SIZE, clutter=0.0)


def options(images, name):
    """A small network, and a schedule of minutes in place of hours."""
    return {
        'experiment_name': name,
        'model.backbone.trunk.depth': 18,
        'model.backbone.trunk.base_channels': 8,
        'model.backbone.trunk.stem_channels': 8,
        'model.projector.out_channels': 64,
        'train_dataloader.dataset.data_root': images,
        'test_dataloader.dataset.data_root': images,
        'train_dataloader.batch_size': 32,
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False,
        'test_dataloader.num_workers': 0,
        'train_dataloader.dataset.pipeline.2.padding': 3,
        'optim_wrapper.optimizer._delete_': True,
        'optim_wrapper.optimizer.type': 'AdamW',
        'optim_wrapper.optimizer.lr': 2e-3,
        'optim_wrapper.optimizer.weight_decay': 0.05,
        'param_scheduler.0.milestone_ratios': [0.6, 0.9],
        'train_cfg.max_epochs': EPOCHS,
        'default_hooks.checkpoint.interval': EPOCHS,
        'default_hooks.logger.interval': 1,
    }


def words(settings):
    pairs = (f'{k}={v}'.replace(' ', '') for k, v in settings.items())
    return ['--cfg-options', *pairs]


def mean_ap(images, checkpoint, work_dir):
    call_main(
        *('test.py', CONFIG, checkpoint, '--work-dir', work_dir),
        *('--out', work_dir / 'scores.json'),
        *words(options(images, work_dir.name)),
    )
    return read_json(work_dir / 'scores.json')['reid/mAP']


@pytest.mark.slow
def test_both_losses_fall(images, tmp_path):
    """The mAP is shown only: so few steps do not raise it reliably."""
    run = tmp_path / 'mmgl'
    call_main(
        *('train.py', CONFIG, '--image-size', *SIZE, '--work-dir', run),
        *words(options(images, run.name)),
    )
    last = run / f'epoch_{EPOCHS}.pth'
    before, after = (
        mean_ap(images, checkpoint, tmp_path / name)
        for name, checkpoint in (('before', 'none'), ('after', last))
    )
    print(f'mAP {before:.3f} before, {after:.3f} after')
    assert before != after
    for name in ('loss_permutation', 'loss_cycle'):
        values = logged(read_checkpoint(last), name)
        assert np.mean(values[-10:]) < np.mean(values[:10])
