"""Configs of MMGL suit their data, and the recipe is the stated one."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmcion.models.weights import use_checkpoint
from mmcion.registry import MODELS
from mmcion.structures import ReIDDataSample
from tests.tool_utils import ROOT

THERMAL = {'sysumm01': (3, 6), 'regdb': (1,)}


def read(dataset):
    name = f'mmgl_resnet50_1xb64-100e_{dataset}.py'
    return Config.fromfile(ROOT / 'configs/mmgl' / name)


@pytest.mark.parametrize('dataset', THERMAL)
def test_cameras_and_images_are_those_of_the_set(dataset):
    cfg = read(dataset)
    loader, model = cfg.train_dataloader, cfg.model
    for place in (model, model.backbone, loader.batch_sampler):
        assert place.thermal_cams == THERMAL[dataset]
    # labels are not used
    assert loader.batch_sampler.get('num_instances') is None
    assert loader.batch_size == 64 and loader.dataset.split == 'train'
    for each in (loader, cfg.test_dataloader):
        assert each.dataset.type.lower() == dataset
        assert each.dataset.data_root == f'data/{dataset}/'
        assert each.dataset.pipeline[1].size == (288, 144)
    # rows of a stripe, and of a part of the map with last stride 1
    assert 288 % model.head.num_stripes == 0
    assert 288 // 16 % model.projector.num_parts == 0


def test_published_values():
    model = read('sysumm01').model
    assert model.cycle_weight == 0.5 and model.cycle.temperature == 0.07
    cfg = read('sysumm01')
    assert cfg.optim_wrapper.optimizer.lr == 0.1
    assert cfg.train_cfg.max_epochs == 100
    (schedule,) = cfg.param_scheduler
    steps = [round(100 * ratio) for ratio in schedule.milestone_ratios]
    assert steps == [20, 50] and schedule.warmup_ratio == 0.1


def test_recipe_trains_a_small_network():
    cfg = read('sysumm01').model
    cfg.backbone.trunk.update(depth=18, base_channels=8, stem_channels=8)
    with DefaultScope.overwrite_default_scope('mmcion'):
        model = MODELS.build(cfg)
    samples = [
        ReIDDataSample(metainfo={'cam_id': cam_id}) for cam_id in (1, 4, 3, 6)
    ]
    images = torch.randn(4, 3, 96, 48)
    losses = model(images, samples, mode='loss')
    assert set(losses) == {
        *('loss_permutation', 'order_accuracy', 'loss_cycle')
    }
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_test_evaluates_the_pretrained_backbone(tmp_path):
    cfg = read('sysumm01')
    small = {'depth': 18, 'base_channels': 8, 'stem_channels': 8}
    cfg.model.backbone.trunk.update(small)
    with DefaultScope.overwrite_default_scope('mmcion'):
        trained = MODELS.build(cfg.model)
        torch.save({'state_dict': trained.state_dict()}, tmp_path / 'a.pth')
        use_checkpoint(cfg, tmp_path / 'a.pth')
        model = MODELS.build(cfg.model).eval()
    images, cameras = torch.randn(2, 3, 96, 48), [1, 3]
    expected = trained.eval().student.backbone(images, cameras)
    found = model.backbone(images, cameras)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
