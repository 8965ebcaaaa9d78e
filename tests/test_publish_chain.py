"""Pre-train, fine-tune, publish, calibrate, export: one network all along."""

import csv
import runpy
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

import mmcion
from mmcion.apis.calibrate import calibrate_model
from mmcion.apis.cam import activation_maps
from mmcion.apis.export import export_model
from mmcion.models.weights import publish, read_model_file
from mmcion.structures import ReIDFeatures
from tests.golden import DATA
from tests.tiny import DIM, write_identities, write_image

ROOT = Path(__file__).parents[1]
SIZE, EMBED = (16, 8), 6
FINE_TUNE = f"""
_base_ = {str(ROOT / 'configs/_base_/default_runtime.py')!r}
custom_imports = dict(imports=['tests.tiny'], allow_failed_imports=False)
model = dict(
    type='ReIDModel',
    backbone=dict(type='TinyBackbone'),
    data_preprocessor=dict(
        type='ReIDDataPreprocessor', mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4)
    ),
    neck=dict(type='BNNeck', in_channels={DIM}, embed_dims={EMBED}),
    head=dict(type='ReIDHead', in_channels={EMBED}, num_classes=8),
)
pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size={SIZE}),
    dict(type='PackReIDInputs'),
]
dataset = dict(type='ReIDDataset', pipeline=pipeline)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='IdentitySampler', num_instances=2),
    dataset=dict(**dataset, split='train'),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dataset,
)
test_evaluator = dict(type='ReIDMetric')
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1))
train_cfg = dict(by_epoch=True, max_epochs=1)
"""


@pytest.fixture(scope='module')
def chain(tmp_path_factory):
    """Folder with the checkpoints of both trainings and the features."""
    folder = tmp_path_factory.mktemp('chain')
    cfg = Config.fromfile(DATA / 'tiny_train.py')
    crops = write_identities(folder / 'crops', (4,) * 8)
    cfg.train_dataloader.dataset.update(
        ann_file=str(crops / 'annotation'), data_root=str(crops)
    )
    cfg.train_cfg.max_epochs = 1
    run(cfg, folder / 'pretrain')

    rows = [('path', 'pid', 'cam_id', 'split')]
    for split, number in (('train', 32), ('query', 8), ('gallery', 8)):
        for row in range(number):
            name = f'{split}{row}.png'
            write_image(folder / name, seed=len(rows))
            rows.append((name, row % 8, int(split == 'gallery'), split))
    with open(folder / 'images.csv', 'w', newline='') as stream:
        csv.writer(stream).writerows(rows)
    (folder / 'fine-tune.py').write_text(FINE_TUNE)
    cfg = Config.fromfile(folder / 'fine-tune.py')
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.update(
            ann_file=str(folder / 'images.csv'), data_root=str(folder)
        )
    cfg.dump(folder / 'fine-tune.py')
    cfg = Config.fromfile(folder / 'fine-tune.py')
    cfg.model.backbone_checkpoint = str(folder / 'pretrain/epoch_1.pth')
    run(cfg, folder / 'fine-tune')
    evaluate(folder / 'fine-tune.py', checkpoint(folder), out=folder)
    return folder


def run(cfg, work_dir):
    cfg.work_dir = str(work_dir)
    # mmengine's singletons go by this name
    cfg.experiment_name = f'{work_dir.parent.name}-{work_dir.name}'
    Runner.from_cfg(cfg).train()


def evaluate(*arguments, out):
    """Run ``tools/test.py``, which writes ``out / features.npz``."""
    tool = runpy.run_path(str(ROOT / 'tools' / 'test.py'))
    options = ['--work-dir', out / 'test', '--dump-features']
    command = ['test.py', *arguments, *options, out / 'features.npz']
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [str(each) for each in command])
        tool['main']()


def checkpoint(folder):
    return folder / 'fine-tune' / 'epoch_1.pth'


def test_features_stay_the_same_all_the_way(chain, tmp_path):
    evaluated = ReIDFeatures.load(chain / 'features.npz')
    images = [str(path) for path in evaluated.img_path]
    expected = evaluated.feature
    assert expected.shape == (16, EMBED)

    published = publish(checkpoint(chain), tmp_path / 'a.pth')
    calibrated = calibrate_model(
        chain / 'features.npz', published, false_match_rate=0.2
    )
    assert calibrated.num_verified == 8
    _, spec = read_model_file(calibrated.path)
    assert spec.neck['embed_dims'] == EMBED
    assert spec.threshold['false_match_rate'] == 0.2
    assert spec.training_config == f'{chain.name}-fine-tune'
    for path in (checkpoint(chain), published, calibrated.path):
        extractor = mmcion.FeatureExtractor(path, 'cpu', normalize=False)
        np.testing.assert_allclose(extractor(images), expected, atol=1e-4)
    model = mmcion.get_model(calibrated.path)
    crops = torch.from_numpy(activation_maps(model, images).images)
    report = export_model(
        model,
        tmp_path / 'a.onnx',
        image_size=SIZE,
        with_preprocess=True,
        crops=crops,
    )
    assert report['neck'] == spec.neck
    assert report['threshold'] == spec.threshold
    session = onnxruntime.InferenceSession(tmp_path / 'a.onnx')
    (found,) = session.run(None, {'images': crops.numpy()})
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_checkpoint_is_evaluated_by_its_path(chain, tmp_path):
    evaluate(checkpoint(chain), out=tmp_path)
    found, expected = (
        ReIDFeatures.load(folder / 'features.npz').feature
        for folder in (tmp_path, chain)
    )
    np.testing.assert_array_equal(found, expected)


def test_pretraining_gives_the_teachers_backbone(chain, tmp_path):
    path = chain / 'pretrain' / 'epoch_1.pth'
    images = [chain / 'query0.png', chain / 'query1.png']
    features = [
        mmcion.FeatureExtractor(each, 'cpu')(images)
        for each in (path, publish(path, tmp_path / 'a.pth'))
    ]
    assert features[0].shape == (2, DIM)
    np.testing.assert_array_equal(*features)
