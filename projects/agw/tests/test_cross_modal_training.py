"""Visible-infrared AGW on drawn SYSU-MM01 and RegDB, by the tools."""

import json
import shutil

import numpy as np
import pytest
import torch
from mmengine.config import Config

import mmcion
from mmcion.models.weights import read_checkpoint
from mmcion.registry import MODELS
from mmcion.structures import ReIDFeatures
from mmcion.testing.cross_modal_images import write_regdb, write_sysumm01
from tests.dist_utils import run_on_ranks
from tests.tiny import make_pretrainer
from tests.tool_utils import ROOT, call_main
from tests.training_utils import assert_same, load, losses, train_on_rank

CONFIGS = ROOT / 'projects/agw/configs'
TRUNK = {
    'type': 'ResNet',
    'depth': 18,
    'base_channels': 8,
    'stem_channels': 8,
}
SIZE = (64, 32)
WRITE = {'sysumm01': write_sysumm01, 'regdb': write_regdb}
# images of an identity and camera; SYSU-MM01 has twice as many cameras
PER_CAMERA = {'sysumm01': 2, 'regdb': 4}
THERMAL = {'sysumm01': (3, 6), 'regdb': (1,)}


def settings(data, pretrained, work_dir):
    return {
        'experiment_name': f'cross-modal_{work_dir.parent.name}',
        **{f'model.backbone.trunk.{k}': v for k, v in TRUNK.items()},
        'model.backbone.non_local': (0, 1, 1, 0),
        'model.backbone.unknown': 'visible',
        'model.backbone_checkpoint': str(pretrained),
        'model.head.num_classes': 4,
        'train_dataloader.dataset.data_root': str(data),
        'test_dataloader.dataset.data_root': str(data),
        'train_dataloader.batch_size': 8,
        'train_dataloader.batch_sampler.num_instances': 2,
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False,
        'test_dataloader.num_workers': 0,
        'train_cfg.max_epochs': 2,
        'default_hooks.checkpoint.interval': 1,
        'default_hooks.logger.interval': 1,
    }


def train(config, options, work_dir, *arguments):
    call_main(
        *('train.py', config, '--image-size', *SIZE, '--work-dir', work_dir),
        *arguments,
        *('--cfg-options', *(f'{k}={v}' for k, v in options.items())),
    )


@pytest.fixture(scope='module', params=['sysumm01', 'regdb'])
def run(request, tmp_path_factory):
    """Four identities to train on and three to test."""
    name = request.param
    folder = tmp_path_factory.mktemp(name)
    projector = {'type': 'Projector', 'num_prototypes': 12}
    model = make_pretrainer(backbone=TRUNK, projector=projector)
    torch.save({'state_dict': model.state_dict()}, folder / 'start.pth')
    WRITE[name](folder / 'data', 4, 3, PER_CAMERA[name])
    options = settings(folder / 'data', folder / 'start.pth', folder / 'run')
    config = CONFIGS / f'cross-modal_resnet50_{name}.py'
    train(config, options, folder / 'run')
    return folder, name, options


def test_both_stems_learn_from_the_same_start(run):
    folder, *_ = run
    start = read_checkpoint(folder / 'start.pth')['state_dict']
    state = load(folder / 'run')['state_dict']
    then = start['teacher.backbone.conv1.weight']
    visible, thermal = (
        state[f'backbone.{name}.conv1.weight'] for name in ('trunk', 'thermal')
    )
    for now in (visible, thermal):
        assert not torch.equal(now, then)
        # near the start, and not at a random one
        assert torch.cosine_similarity(now.ravel(), then.ravel(), 0) > 0.8
    assert not torch.equal(visible, thermal)
    # 16 visible images, 4 in a batch, and one more batch
    assert len(losses(load(folder / 'run'))) == 2 * 5
    assert np.isfinite(losses(load(folder / 'run'))).all()


def test_resume_equals_no_interruption(run, tmp_path):
    folder, name, options = run
    config = CONFIGS / f'cross-modal_resnet50_{name}.py'
    train(
        *(config, {**options, 'experiment_name': f'rest_{name}'}),
        *(tmp_path, '--resume', folder / 'run/epoch_1.pth'),
    )
    resumed, expected = load(tmp_path), load(folder / 'run')
    assert losses(resumed) == losses(expected)
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert_same(resumed[part], expected[part])


def test_test_takes_the_stem_of_each_camera(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder, name, _ = run
    checkpoint = folder / 'run/epoch_2.pth'
    call_main(
        *('test.py', checkpoint, '--custom-imports', '--work-dir', 'test'),
        *('--out', 'scores.json', '--dump-features', 'features.npz'),
    )
    scores = json.loads((tmp_path / 'scores.json').read_text())
    assert 0 < scores['reid/mAP'] <= 1
    # RegDB is tested in both directions
    assert ('reid/reverse/mAP' in scores) == (name == 'regdb')
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
    is_visible = ~np.isin(found.cam_id, THERMAL[name])
    assert near.tolist() == is_visible.tolist()
    call_main(
        *('export_model.py', published, '--out', 'model.onnx'),
        '--custom-imports',
    )


def test_two_ranks_learn_the_same(run, tmp_path):
    folder, name, _ = run
    options = {
        # two identities for each rank
        'train_dataloader.batch_size': 4,
        'train_dataloader.batch_sampler.num_instances': 1,
        'train_cfg.max_epochs': 1,
        'experiment_name': f'ranks_{name}',
    }
    (config,) = (folder / 'run').glob('*.py')
    states = run_on_ranks(train_on_rank, config, tmp_path, options)
    assert_same(states[0], load(tmp_path, 1)['state_dict'])
    # every rank has statistics of its own batches
    trained = [
        {k: v for k, v in state.items() if 'running' not in k}
        for state in states
    ]
    assert_same(*trained)
    start = read_checkpoint(folder / 'start.pth')['state_dict']
    then = start['teacher.backbone.conv1.weight']
    assert not torch.equal(trained[0]['backbone.thermal.conv1.weight'], then)


def test_epoch_is_selected_on_a_held_out_part(run, tmp_path):
    """Without images of the test, so that none can be looked at."""
    folder, name, options = run
    data = shutil.copytree(folder / 'data', tmp_path / 'data')
    if name == 'sysumm01':
        (data / 'exp/test_id.txt').unlink()
        tested = list(data.glob('cam*/000[567]'))
    else:
        for modality in ('visible', 'thermal'):
            (data / f'idx/test_{modality}_1.txt').unlink()
        tested = list(data.glob('*/[456]'))
    assert len(tested) == 3 * len({path.parent for path in tested})
    for path in tested:
        shutil.rmtree(path)
    # half of the four identities are held out
    parts = ('train_dataloader.dataset', 'val_dataloader.dataset')
    changed = {f'{part}.hold_out': 0.5 for part in parts}
    changed |= {f'{part}.dataset.data_root': data for part in parts}
    options = {**options, **changed, 'model.head.num_classes': 2}
    del options['train_dataloader.dataset.data_root']
    options |= {
        'experiment_name': f'held_out_{name}',
        'val_dataloader.num_workers': 0,
        'test_dataloader.dataset.data_root': data,
        'train_cfg.val_interval': 1,
    }
    work_dir = tmp_path / 'run'
    train(
        CONFIGS / f'cross-modal-held-out_resnet50_{name}.py', options, work_dir
    )
    (best,) = work_dir.glob('best_*.pth')
    content = read_checkpoint(best)
    assert content['message_hub']['runtime_info']['best_score'] > 0
    assert len(content['state_dict']['head.classifier.weight']) == 2


def test_fine_tuning_goes_on_from_mmgl(tmp_path):
    mmgl = Config.fromfile(
        ROOT / 'configs/mmgl/mmgl_resnet50_1xb64-100e_sysumm01.py'
    )
    mmgl.model.backbone.trunk = TRUNK
    model = MODELS.build(mmgl.model)
    model.init_weights()
    then = model.state_dict()
    start = tmp_path / 'epoch_100.pth'
    torch.save({'state_dict': then, 'meta': {'cfg': mmgl.pretty_text}}, start)
    write_sysumm01(tmp_path / 'data', 4, 3)
    options = settings(tmp_path / 'data', start, tmp_path / 'run')
    config = CONFIGS / 'cross-modal_resnet50_sysumm01.py'
    train(
        *(config, {**options, 'train_cfg.max_epochs': 1}),
        *(tmp_path / 'run', '--seed', 1),
    )
    now = read_checkpoint(tmp_path / 'run/epoch_1.pth')['state_dict']
    for stem in ('trunk', 'thermal'):
        name = f'backbone.{stem}.conv1.weight'
        one, other = now[name].ravel(), then[f'student.{name}'].ravel()
        assert not torch.equal(one, other)
        assert torch.cosine_similarity(one, other, 0) > 0.8
