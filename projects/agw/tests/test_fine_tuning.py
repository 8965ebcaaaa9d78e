"""From a CION checkpoint to scores and exported models, by the tools."""

import csv
import json

import numpy as np
import pytest
import torch

import mmcion
from mmcion.models.weights import read_checkpoint, read_model_file
from mmcion.structures import ReIDFeatures
from mmcion.utils.checks import UserError
from tests.dist_utils import run_on_ranks
from tests.tiny import make_pretrainer, write_image
from tests.tool_utils import ROOT, call_main
from tests.training_utils import assert_same, load, losses, train_on_rank

CONFIG = ROOT / 'projects/agw/configs'
VARIANTS = ('agw', 'agw-fastreid')
NUM_PIDS, SIZE = 8, (64, 32)
TRUNK = {'type': 'ResNet', 'depth': 18, 'base_channels': 8, 'stem_channels': 8}
BLOCK = 'backbone.non_local.layer3_1.W.1.weight'


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """``images.csv`` of 8 identities in train, query and gallery."""
    folder = tmp_path_factory.mktemp('images')
    rows = [('path', 'pid', 'cam_id', 'split')]
    for split, number in (('train', 4), ('query', 1), ('gallery', 1)):
        for row in range(number * NUM_PIDS):
            name = f'{split}{row}.png'
            write_image(folder / name, seed=len(rows), size=SIZE)
            pid = row % NUM_PIDS
            rows.append((name, pid, int(split == 'gallery'), split))
    with open(folder / 'images.csv', 'w', newline='') as stream:
        csv.writer(stream).writerows(rows)
    return folder / 'images.csv'


@pytest.fixture(scope='module')
def pretrained(tmp_path_factory):
    """A checkpoint of pre-training."""
    path = tmp_path_factory.mktemp('pretrained') / 'epoch_1.pth'
    projector = {'type': 'Projector', 'num_prototypes': 12}
    model = make_pretrainer(backbone=TRUNK, projector=projector)
    torch.save({'state_dict': model.state_dict()}, path)
    return path


def options(pretrained, work_dir):
    return {
        'experiment_name': f'{work_dir.parent.name}_{work_dir.name}',
        **{f'model.backbone.trunk.{k}': v for k, v in TRUNK.items()},
        'model.backbone.non_local': (0, 1, 1, 0),
        'model.backbone_checkpoint': str(pretrained),
        'train_dataloader.batch_size': 8,
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False,
        'val_dataloader.num_workers': 0,
        'test_dataloader.num_workers': 0,
        'train_cfg.max_epochs': 2,
        'train_cfg.val_interval': 1,
        'default_hooks.checkpoint.interval': 1,
        'default_hooks.logger.interval': 1,
    }


def train(variant, images, pretrained, work_dir, *arguments):
    settings = options(pretrained, work_dir)
    call_main(
        *('train.py', CONFIG / f'{variant}_resnet50_market1501.py'),
        *('--data', images, '--image-size', *SIZE, '--work-dir', work_dir),
        *arguments,
        *('--cfg-options', *(f'{k}={v}' for k, v in settings.items())),
    )


# the pooling of the second one has no tensor, and so fits any neck
@pytest.mark.parametrize('variant', VARIANTS)
def test_plain_result_is_no_model_of_agw(
    images, pretrained, tmp_path, variant
):
    """A checkpoint of a network without the blocks and the pooling."""
    content = read_checkpoint(pretrained)
    names = ('weight', 'bias', 'running_mean', 'running_var')
    neck = {f'neck.bn.{name}': torch.ones(64) for name in names}
    state = {**content['state_dict'], **neck}
    torch.save({'state_dict': state}, tmp_path / 'plain.pth')
    with pytest.raises(UserError, match=r'backbone NonLocalResNet.* missing'):
        call_main(
            *('test.py', CONFIG / f'{variant}_resnet50_market1501.py'),
            *(tmp_path / 'plain.pth', '--work-dir', tmp_path),
            *('--cfg-options', 'experiment_name=plain'),
            *(f'model.backbone.trunk.{k}={v}' for k, v in TRUNK.items()),
            *('model.backbone.non_local=(0,1,1,0)',),
        )


@pytest.fixture(scope='module', params=VARIANTS)
def run(request, images, pretrained, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    train(request.param, images, pretrained, folder)
    return folder


def test_whole_network_learns(run, pretrained):
    state = load(run)['state_dict']
    start = read_checkpoint(pretrained)['state_dict']
    name = 'layer1.0.conv1.weight'
    now, then = (
        state[f'backbone.trunk.{name}'],
        start[f'teacher.backbone.{name}'],
    )
    assert not torch.equal(now, then)
    assert torch.allclose(now, then, atol=0.05)  # it started from there
    assert state[BLOCK].any()
    is_own = run.name.startswith('agw0')
    assert ('neck.pooling.p' in state) == is_own
    assert ('head.center.centers' in state) == is_own
    if is_own:
        assert state['neck.pooling.p'].item() != 3
    assert np.isfinite(losses(load(run))).all()


def test_resume_equals_no_interruption(run, images, pretrained, tmp_path):
    variant = run.name[:-1]
    train(
        *(variant, images, pretrained, tmp_path),
        *('--resume', run / 'epoch_1.pth'),
    )
    resumed, expected = load(tmp_path), load(run)
    assert losses(resumed) == losses(expected)
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert_same(resumed[part], expected[part])


def test_result_is_evaluated_published_calibrated_and_exported(
    run, images, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (best,) = run.glob('best_*.pth')
    call_main(
        *('test.py', best, '--custom-imports', '--work-dir', 'test'),
        *('--out', 'scores.json', '--dump-features', 'features.npz'),
    )
    scores = json.loads((tmp_path / 'scores.json').read_text())
    hub = read_checkpoint(best)['message_hub']['runtime_info']
    assert scores['reid/mAP'] == hub['best_score']
    call_main(
        *('model_converters/publish_model.py', best, '--custom-imports'),
        *('--out', 'published.pth'),
    )
    (published,) = tmp_path.glob('published_*.pth')
    call_main(
        *('analysis_tools/calibrate_threshold.py', 'features.npz'),
        *(published, '--false-match-rate', 0.2, '--out', 'model.pth'),
    )
    _, spec = read_model_file('model.pth')
    assert spec.backbone['type'].endswith('NonLocalResNet')
    assert spec.neck['pooling']['type'].endswith('GeneralizedMeanPooling')
    features = ReIDFeatures.load('features.npz')
    extractor = mmcion.FeatureExtractor('model.pth', 'cpu', normalize=False)
    np.testing.assert_allclose(
        extractor(features.img_path.tolist()), features.feature, atol=1e-4
    )
    # compares the exported features with the original, to 1e-5 of their norm
    call_main('export_model.py', 'model.pth', '--out', 'model.onnx')


def test_two_ranks_learn_the_same(run, tmp_path):
    options = {
        'train_dataloader.batch_size': 4,
        'train_dataloader.batch_sampler.num_instances': 2,
        'train_cfg.max_epochs': 1,
        'experiment_name': f'ranks_{run.name}',
    }
    (config,) = run.glob('*_market1501.py')
    states = run_on_ranks(train_on_rank, config, tmp_path, options)
    assert_same(states[0], load(tmp_path, 1)['state_dict'])
    # every rank has statistics of its own batches until it is validated
    trained = [
        {k: v for k, v in state.items() if 'running' not in k}
        for state in states
    ]
    assert_same(*trained)
