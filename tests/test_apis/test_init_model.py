from pathlib import Path

import numpy as np
import pytest
import torch

import mmcion
from mmcion.apis.inference import inference_model, init_model
from mmcion.structures import ReIDDataSample

from ..tiny import DIM, make_pretrainer, pretrainer_cfg, write_image

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text(
        """
model = dict(
    type='ReIDModel', backbone=dict(type='TinyBackbone', use_bn=True)
)
test_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(16, 8)),
    dict(type='PackReIDInputs'),
]))
"""
    )
    return path


@pytest.fixture
def checkpoint(tmp_path):
    pretrainer = make_pretrainer(use_bn=True, seed=5)
    path = tmp_path / 'epoch_1.pth'
    torch.save({'state_dict': pretrainer.state_dict()}, path)
    return path


def test_model_of_a_config_with_a_checkpoint(config, checkpoint):
    model = mmcion.init_model(config, checkpoint, device='cpu')
    assert not model.training
    expected = make_pretrainer(use_bn=True, seed=5).eval()
    images = torch.randn(2, 3, 16, 8)
    with torch.no_grad():
        assert torch.equal(model(images), expected(images))
    assert model.cfg.test_dataloader.dataset.pipeline[1].size == (16, 8)
    # the caller's config stays as it was
    assert 'backbone_checkpoint' not in model.cfg.model


def test_pretrainer_gives_its_teachers_features(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text(f'model = {pretrainer_cfg(use_bn=True)!r}')
    model = init_model(path)
    write_image(tmp_path / 'a.png')
    sample = inference_model(model, tmp_path / 'a.png')
    assert sample.feature.shape == (DIM,)


def test_one_image_gives_a_sample_and_several_a_list(config, tmp_path):
    model = init_model(config)
    path = write_image(tmp_path / 'images' / 'a.png')
    one = mmcion.inference_model(model, path)
    assert isinstance(one, ReIDDataSample)
    assert one.feature.dtype == torch.float32
    assert one.img_path == str(path)
    for images in ([path], path.parent, str(path.parent)):
        several = inference_model(model, images)
        assert len(several) == 1
        assert torch.equal(several[0].feature, one.feature)
    array = np.zeros((4, 4, 3), np.uint8)
    sample = inference_model(model, array, channel_order='rgb')
    assert sample.feature.shape == (DIM,)
    stack = inference_model(model, array[None], channel_order='rgb')
    assert torch.equal(stack[0].feature, sample.feature)


def test_features_are_those_of_predict(config, tmp_path):
    model = init_model(config)
    image = torch.randint(0, 256, (3, 16, 8), dtype=torch.uint8)
    expected = model.test_step(
        {'inputs': image[None], 'data_samples': [ReIDDataSample()]}
    )
    sample = inference_model(model, image)
    assert torch.equal(sample.feature, expected[0].feature)


def test_mistakes(config, checkpoint, tmp_path):
    with pytest.raises(FileNotFoundError):
        init_model(tmp_path / 'missing.py')
    with pytest.raises(ValueError, match='has no model'):
        init_model(ROOT / 'configs' / '_base_' / 'default_runtime.py')
    checkpoint.write_text('<html>Sign in')
    with pytest.raises(ValueError, match='web page and not weights'):
        init_model(config, checkpoint)
