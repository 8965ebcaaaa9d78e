"""MMGL's pre-training, then AGW, on drawn visible and infrared images.

Direct transfer gains nothing in so few steps: what MMGL learns is a better
start of the fine-tuning, as its authors use it.
"""

import numpy as np
import pytest

from mmcion.models.weights import read_checkpoint
from mmcion.testing.cross_modal_images import write_sysumm01
from mmcion.utils.io import read_json
from tests.tool_utils import ROOT, call_main
from tests.training_utils import logged

MMGL = ROOT / 'configs/mmgl/mmgl_resnet50_1xb64-100e_sysumm01.py'
AGW = ROOT / 'projects/agw/configs/cross-modal_resnet50_sysumm01.py'
SEEDS, NUM_PEOPLE, SIZE, WIDTH = (0, 1, 2), 120, (48, 24), 16


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """120 people to train on and 40 others to test, plain backgrounds."""
    root = tmp_path_factory.mktemp('images') / 'drawn'
    return write_sysumm01(root, NUM_PEOPLE, 40, size=SIZE, clutter=0.0)


def train(config, images, work_dir, seed, epochs, **options):
    """Train a small network; return its checkpoint."""
    options = {
        'experiment_name': work_dir.name,
        'model.backbone.trunk.depth': 18,
        'model.backbone.trunk.base_channels': WIDTH,
        'model.backbone.trunk.stem_channels': WIDTH,
        'train_dataloader.dataset.data_root': images,
        'test_dataloader.dataset.data_root': images,
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False,
        'test_dataloader.num_workers': 0,
        'train_dataloader.dataset.pipeline.2.padding': 3,
        'train_cfg.max_epochs': epochs,
        'default_hooks.checkpoint.interval': epochs,
        'default_hooks.logger.interval': 1,
        **options,
    }
    pairs = (f'{k}={v}'.replace(' ', '') for k, v in options.items())
    call_main(
        *('train.py', config, '--image-size', *SIZE, '--work-dir', work_dir),
        *('--seed', seed, '--cfg-options', *pairs),
    )
    return work_dir / f'epoch_{epochs}.pth'


def pretrain(images, work_dir, seed):
    """Pre-train with a schedule of minutes in place of hours."""
    return train(
        *(MMGL, images, work_dir, seed, 50),
        **{
            'model.projector.out_channels': 64,
            'model.cycle_weight': 0.1,
            'train_dataloader.batch_size': 32,
            'optim_wrapper.optimizer._delete_': True,
            'optim_wrapper.optimizer.type': 'AdamW',
            'optim_wrapper.optimizer.lr': 2e-3,
            'optim_wrapper.optimizer.weight_decay': 0.05,
            'param_scheduler.0.milestone_ratios': [0.6, 0.9],
        },
    )


def fine_tune(images, work_dir, seed, checkpoint):
    """Fine-tune from a checkpoint or None; return mAP across modalities."""
    last = train(
        *(AGW, images, work_dir, seed, 12),
        **{
            'model.backbone.non_local': '(0,1,1,0)',
            'model.backbone_checkpoint': checkpoint,
            'model.head.num_classes': NUM_PEOPLE,
        },
    )
    scores = work_dir / 'scores.json'
    call_main(
        *('test.py', last, '--custom-imports', '--out', scores),
        *('--work-dir', work_dir / 'test'),
    )
    return read_json(scores)['reid/mAP']


@pytest.mark.slow
def test_fine_tuning_ends_higher(images, tmp_path):
    """With each seed; figures of a run are in docs/benchmarks.md."""
    found = {'mmgl': [], 'random': []}
    for seed in SEEDS:
        start = pretrain(images, tmp_path / f'pretraining{seed}', seed)
        for name in ('loss_permutation', 'loss_cycle'):
            values = logged(read_checkpoint(start), name)
            print(name, np.round(values[:: len(values) // 10], 3).tolist())
            assert np.mean(values[-20:]) < np.mean(values[:20])
        for name, checkpoint in (('mmgl', start), ('random', None)):
            found[name].append(
                fine_tune(
                    *(images, tmp_path / f'{name}{seed}', seed, checkpoint)
                )
            )
        print({name: np.round(scores, 3) for name, scores in found.items()})
    assert (np.subtract(*found.values()) > 0.03).all()
