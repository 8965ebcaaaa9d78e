"""Pre-train, fine-tune, test, publish, calibrate and export a small MGN."""

import csv
import math

import numpy as np
import pytest
import torch
from mmengine.config import Config

import mmcion
from mmcion.models.weights import read_checkpoint, read_model_file
from mmcion.structures import ReIDFeatures
from mmcion.utils.checks import UserError
from mmcion.utils.io import read_json
from tests.dist_utils import run_on_ranks
from tests.golden import DATA
from tests.tiny import write_image
from tests.tool_utils import call_main
from tests.training_utils import (
    assert_same,
    load,
    logged,
    losses,
    train_on_rank,
)

from ..mgn import MGNBackbone
from .test_configs import FOLDER

CONFIG = FOLDER / 'mgn_resnet50-ibn_4xb16-60e_market1501-384x128.py'
SIZE, NUM_PIDS, EPOCHS, LENGTH = (48, 16), 8, 6, 8
TINY = "dict(type='ResNetIBN', depth=18, stem_channels=4, base_channels=4)"
# the recipe, of which only the network and the numbers are smaller
FINE_TUNE = f"""
_base_ = {str(CONFIG)!r}
model = dict(
    backbone=dict(backbone=dict(_delete_=True, **{TINY})),
    backbone_checkpoint='pretrain/epoch_1.pth',
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,
    batch_sampler=dict(num_instances=4),
)
val_dataloader = dict(num_workers=0)
test_dataloader = dict(num_workers=0)
train_cfg = dict(max_epochs={EPOCHS}, val_interval={EPOCHS})
default_hooks = dict(
    logger=dict(interval=1),
    checkpoint=dict(by_epoch=False, interval=4, max_keep_ckpts=-1),
)
"""
PRETRAIN = f"""
_base_ = {str(DATA / 'tiny_train.py')!r}
model = dict(
    backbone=dict(_delete_=True, **{TINY}),
    projector=dict(in_channels=32),
)
train_cfg = dict(max_epochs=1)
"""


def train(config, work_dir, *arguments):
    call_main(
        *('train.py', config, '--work-dir', work_dir),
        *('--data', 'images.csv', '--image-size', *SIZE, *arguments),
    )


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Folder with the results of both trainings."""
    folder = tmp_path_factory.mktemp('mgn')
    rows = [('path', 'pid', 'cam_id', 'split')]
    for split, number in (('train', 8), ('query', 1), ('gallery', 1)):
        for row in range(number * NUM_PIDS):
            name = f'{split}{row}.png'
            write_image(folder / name, seed=len(rows), size=(60, 20))
            rows.append((name, row % NUM_PIDS, int(split == 'gallery'), split))
    with open(folder / 'images.csv', 'w', newline='') as stream:
        csv.writer(stream).writerows(rows)
    (folder / 'tune.py').write_text(FINE_TUNE)
    (folder / 'pre.py').write_text(PRETRAIN)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train('pre.py', 'pretrain')
        train('tune.py', 'run')
        yield folder


def state_at(folder, iteration):
    return read_checkpoint(folder / f'run/iter_{iteration}.pth')['state_dict']


def test_backbone_is_frozen_for_ten_of_sixty_epochs(folder):
    state = load(folder / 'pretrain', 1)['state_dict']
    prefix = 'teacher.backbone.'
    start = MGNBackbone.adapt_weights(
        {k.removeprefix(prefix): v for k, v in state.items() if prefix in k}
    )
    # iteration 8 = 10 / 60 x 48 is frozen, too; saved are multiples of 4
    for done, frozen in ((4, True), (8, True), (12, False)):
        state = state_at(folder, done)
        for name, tensor in start.items():
            same = torch.equal(state[f'backbone.{name}'], tensor)
            assert same == frozen, name
    first, second = state_at(folder, 4), state_at(folder, 8)
    for name in (
        'neck.heads.b22.pooling.p',
        'neck.extra_bn.1.weight',
        'neck.extra_bn.1.running_mean',
        'head.classifiers.b33.weight',
    ):
        assert not torch.equal(first[name], second[name]), name
    assert not second['neck.heads.b22.bn.bias'].any()
    # the branches go their own ways
    last = state_at(folder, 12)
    names = [f'backbone.b{i}.layer4.1.conv2.weight' for i in (1, 2)]
    assert not torch.equal(*(last[name] for name in names))


def test_optimizer_has_no_state_of_what_is_frozen(folder):
    for done, frozen in ((8, True), (12, False)):
        checkpoint = read_checkpoint(folder / f'run/iter_{done}.pth')
        state = checkpoint['optimizer']['state']
        (group,) = checkpoint['optimizer']['param_groups']
        backbone = [
            name
            for name in checkpoint['state_dict']
            if name.startswith('backbone')
            and not name.endswith(('mean', 'var', 'tracked'))
        ]
        # the backbone comes first in the model
        assert set(range(len(backbone))) <= set(group['params'])
        has_state = [number in state for number in range(len(backbone))]
        assert set(has_state) == {not frozen}


def test_rate_of_every_iteration(folder):
    rates = logged(read_checkpoint(folder / 'run/iter_48.pth'), 'lr')
    expected = []
    for step in range(EPOCHS * LENGTH):
        if step < 8:
            expected.append(3.5e-4 * (0.01 + 0.99 * step / 8))
        elif step <= 24:
            expected.append(3.5e-4)
        else:
            cosine = (1 + math.cos(math.pi * (step - 24) / 24)) / 2
            expected.append(7.7e-7 + (3.5e-4 - 7.7e-7) * cosine)
    assert rates == pytest.approx(expected, rel=1e-9)


def test_accuracy_of_every_iteration_is_logged(folder):
    found = logged(read_checkpoint(folder / 'run/iter_48.pth'), 'accuracy')
    assert len(found) == EPOCHS * LENGTH
    assert 0 <= min(found) < max(found) <= 1


@pytest.mark.parametrize('done', [4, 8])
def test_resume_equals_no_interruption(folder, tmp_path, done):
    train('tune.py', tmp_path, '--resume', f'run/iter_{done}.pth')
    resumed, expected = (
        read_checkpoint(path / 'iter_48.pth')
        for path in (tmp_path, folder / 'run')
    )
    assert losses(resumed) == losses(expected)
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert_same(resumed[part], expected[part])


def test_every_tool_gives_the_evaluated_features(folder):
    call_main(
        *('test.py', 'run/iter_48.pth', '--work-dir', 'test'),
        *('--out', 'scores.json', '--dump-features', 'features.npz'),
    )
    assert 0 < read_json('scores.json')['reid/mAP'] <= 1
    features = ReIDFeatures.load(folder / 'features.npz')
    expected = features.feature
    assert expected.shape == (2 * NUM_PIDS, 2048)
    call_main(
        *('model_converters/publish_model.py', 'run/iter_48.pth'),
        *('--out', 'published.pth'),
    )
    (published,) = folder.glob('published_*.pth')
    call_main(
        *('analysis_tools/calibrate_threshold.py', 'features.npz'),
        *(published, '--false-match-rate', 0.2, '--out', 'model.pth'),
    )
    _, spec = read_model_file(folder / 'model.pth')
    assert spec.backbone['type'] == 'MGNBackbone'
    assert spec.neck['type'] == 'MGNNeck'
    assert spec.custom_imports == ['projects.mgn.mgn']
    assert tuple(spec.input_size) == SIZE
    images = [str(path) for path in features.img_path]
    for path in ('run/iter_48.pth', 'model.pth'):
        extractor = mmcion.FeatureExtractor(path, 'cpu', normalize=False)
        np.testing.assert_allclose(extractor(images), expected, atol=1e-4)
    call_main(
        'export_model.py', 'model.pth', '--normalize', '--out', 'model.onnx'
    )
    report = read_json('model.onnx.json')
    assert report['parity']['max_abs_diff'] <= 1e-5
    assert report['neck'] == spec.neck


def test_weights_of_another_architecture_are_refused(folder, tmp_path):
    other = 'model.backbone.backbone.type=ResNet'
    with pytest.raises(UserError, match=r'epoch_1\.pth.*IN\.weight'):
        train('tune.py', tmp_path, '--cfg-options', other)


def test_batch_of_one_identity_is_refused(folder, tmp_path):
    alone = 'train_dataloader.batch_size=4'
    with pytest.raises(UserError, match=r'batch_size \(4\)'):
        train('tune.py', tmp_path, '--cfg-options', alone)


def test_two_ranks_learn_the_same(folder, tmp_path):
    # as tools/train.py made it of --data
    cfg = Config.fromfile(folder / 'run/tune.py')
    cfg.dump(tmp_path / 'config.py')
    options = {
        'train_dataloader.batch_size': 4,
        'train_cfg.max_epochs': 2,
        'experiment_name': 'ranks_mgn',
    }
    states = run_on_ranks(
        train_on_rank, tmp_path / 'config.py', tmp_path, options
    )
    assert np.isfinite(losses(read_checkpoint(tmp_path / 'iter_16.pth'))).all()
    trained = [
        {k: v for k, v in state.items() if 'running' not in k}
        for state in states
    ]
    assert_same(*trained)
