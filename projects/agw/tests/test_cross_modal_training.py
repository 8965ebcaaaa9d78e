"""Visible-infrared AGW on a drawn SYSU-MM01, by the tools."""

import json

import numpy as np
import pytest
import torch

import mmcion
from mmcion.models.weights import read_checkpoint
from mmcion.structures import ReIDFeatures
from tests.tiny import make_pretrainer, write_image
from tests.tool_utils import ROOT, call_main
from tests.training_utils import assert_same, load, losses

CONFIG = ROOT / 'projects/agw/configs/cross-modal_resnet50_sysumm01.py'
TRUNK = {
    'type': 'ResNet',
    'depth': 18,
    'base_channels': 8,
    'stem_channels': 8,
}
SIZE = (64, 32)


def write_sysumm01(root):
    """Four identities to train on and three to test, in cameras 1, 4 and 3."""
    for camera in range(1, 7):
        (root / f'cam{camera}').mkdir(parents=True)
    for pid in range(1, 8):
        for camera in (1, 4, 3):
            for number in range(2):
                write_image(
                    root / f'cam{camera}/{pid:04d}/{number:04d}.png',
                    seed=100 * pid + 10 * camera + number,
                    size=SIZE,
                )
    (root / 'exp').mkdir()
    for name, line in (('train', '1,2'), ('val', '3,4'), ('test', '5,6,7')):
        (root / f'exp/{name}_id.txt').write_text(line)
    return root


def train(data, pretrained, work_dir, *arguments):
    options = {
        'experiment_name': f'cross-modal_{work_dir.name}',
        **{f'model.backbone.trunk.{k}': v for k, v in TRUNK.items()},
        'model.backbone.non_local': (0, 1, 1, 0),
        'model.backbone.unknown': 'visible',
        'model.backbone_checkpoint': pretrained,
        'model.head.num_classes': 4,
        'train_dataloader.dataset.data_root': data,
        'test_dataloader.dataset.data_root': data,
        'train_dataloader.batch_size': 8,
        'train_dataloader.batch_sampler.num_instances': 2,
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False,
        'test_dataloader.num_workers': 0,
        'train_cfg.max_epochs': 2,
        'default_hooks.checkpoint.interval': 1,
        'default_hooks.logger.interval': 1,
    }
    call_main(
        *('train.py', CONFIG, '--image-size', *SIZE, '--work-dir', work_dir),
        *arguments,
        *('--cfg-options', *(f'{k}={v}' for k, v in options.items())),
    )


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp('sysu')
    projector = {'type': 'Projector', 'num_prototypes': 12}
    model = make_pretrainer(backbone=TRUNK, projector=projector)
    torch.save({'state_dict': model.state_dict()}, folder / 'start.pth')
    data = write_sysumm01(folder / 'data')
    train(data, folder / 'start.pth', folder / 'run')
    return folder


def test_both_stems_learn_from_the_same_start(run):
    start = read_checkpoint(run / 'start.pth')['state_dict']
    state = load(run / 'run')['state_dict']
    then = start['teacher.backbone.conv1.weight']
    visible, thermal = (
        state[f'backbone.{name}.conv1.weight'] for name in ('trunk', 'thermal')
    )
    for now in (visible, thermal):
        assert not torch.equal(now, then)
        assert torch.allclose(now, then, atol=0.05)
    assert not torch.equal(visible, thermal)
    # 16 visible images, 4 in a batch, and one more batch
    assert len(losses(load(run / 'run'))) == 2 * 5
    assert np.isfinite(losses(load(run / 'run'))).all()


def test_resume_equals_no_interruption(run, tmp_path):
    train(
        *(run / 'data', run / 'start.pth', tmp_path / 'rest'),
        *('--resume', run / 'run/epoch_1.pth'),
    )
    resumed, expected = load(tmp_path / 'rest'), load(run / 'run')
    assert losses(resumed) == losses(expected)
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert_same(resumed[part], expected[part])


def test_test_takes_the_stem_of_each_camera(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    checkpoint = run / 'run/epoch_2.pth'
    call_main(
        *('test.py', checkpoint, '--custom-imports', '--work-dir', 'test'),
        *('--out', 'scores.json', '--dump-features', 'features.npz'),
    )
    scores = json.loads((tmp_path / 'scores.json').read_text())
    assert 0 < scores['reid/mAP'] <= 1
    found = ReIDFeatures.load('features.npz')
    # images alone are visible
    call_main(
        *('model_converters/publish_model.py', checkpoint),
        *('--out', 'published.pth', '--custom-imports'),
    )
    (published,) = tmp_path.glob('published_*.pth')
    extractor = mmcion.FeatureExtractor(published, 'cpu', normalize=False)
    alone = extractor([str(path) for path in found.img_path])
    near = np.abs(alone - found.feature).max(1) < 1e-4
    is_visible = ~np.isin(found.cam_id, (3, 6))
    assert near.tolist() == is_visible.tolist()
    call_main(
        *('export_model.py', published, '--out', 'model.onnx'),
        '--custom-imports',
    )
