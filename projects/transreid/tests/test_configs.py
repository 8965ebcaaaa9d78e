"""The values of every recipe."""

from pathlib import Path

import pytest
from mmengine.config import Config

from mmcion.datasets.transforms import build_pipeline
from mmcion.models import get_architecture, list_architectures
from mmcion.registry import MODELS

from ..transreid import JPMHead, JPMNeck

ROOT = Path(__file__).parents[1] / 'configs'
# images per batch by network, and the learning rate where it is not
# 4e-4 x batch / 64: Market-1501, MSMT17
CION = {
    'ghostnet_0_5': (32, 32),
    'ghostnet_1_0': (64, 64),
    'ghostnet_1_3': (64, 64),
    'edgenext_x_small': (64, 32),
    'edgenext_small': (256, 64),
    'edgenext_base': (64, 64),
    'repvit_m0_9': (128, 64),
    'repvit_m1_0': (256, 64),
    'repvit_m1_5': (64, 64),
    'fastvit_s12': (64, 64),
    'fastvit_sa12': (64, 64),
    'fastvit_sa24': (64, 64),
    'vit_tiny': (512, 512),
    'vit_small': (512, 512),
    'vit_base': (384, 384),
    'swin_tiny': (64, 64),
    'swin_small': (64, 64),
    'swin_base': (64, 64),
    'resnet18': (256, 32),
    'resnet18_ibn': (256, 32),
    'resnet50': (512, 64),
    'resnet50_ibn': (512, 64),
    'resnet101': (128, 128),
    'resnet101_ibn': (64, 128),
    'resnet152': (128, 128),
    'resnet152_ibn': (128, 128),
    'convnext_tiny': (64, 64),
    'convnext_small': (256, 256),
    'convnext_base': (120, 256),
    'volo_d1': (256, 128),
    'volo_d2': (256, 64),
    'volo_d3': (128, 64),
}
RATES = {
    ('swin_base', 'msmt17'): 2e-4,
    ('convnext_base', 'market1501'): 8e-4,
}
SETS = {
    'market1501': ('Market1501', 751, 6),
    'msmt17': ('MSMT17', 1041, 15),
}
TRANSREID = sorted((ROOT / 'transreid').glob('*.py'))


def check_common(cfg, data):
    """Compare what all recipes of a data set share."""
    kind, num_classes, _ = SETS[data]
    for stage in ('train', 'val', 'test'):
        dataset = cfg[f'{stage}_dataloader'].dataset
        assert dataset.type == kind
        assert dataset.data_root == f'data/{data}/'
        assert build_pipeline(dataset.pipeline) is not None
    model, head = cfg.model, cfg.model.head
    assert head.num_classes == num_classes and head.label_smoothing == 0
    assert head.triplet == {'type': 'TripletLoss', 'margin': None}
    assert model.neck_feat == 'before'
    assert set(model.data_preprocessor.mean + model.data_preprocessor.std) == {
        0.5
    }
    erase = cfg.train_dataloader.dataset.pipeline[-2]
    assert (erase.mean, erase.std) == ((0.5,) * 3, (0.5,) * 3)
    for stage in ('val', 'test'):
        resize = cfg[f'{stage}_dataloader'].dataset.pipeline[1]
        assert resize.interpolation == 'bilinear'
    assert 'interpolation' not in cfg.train_dataloader.dataset.pipeline[1]
    sampler = cfg.train_dataloader.batch_sampler
    assert sampler.num_instances == 4
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.momentum) == ('SGD', 0.9)
    assert optimizer.weight_decay == 1e-4
    assert cfg.train_cfg.max_epochs == 120
    assert cfg.default_hooks.checkpoint.save_best is None
    assert cfg.randomness.seed == 1234


@pytest.mark.parametrize('data', SETS)
@pytest.mark.parametrize('arch', CION)
def test_recipe_of_cion(arch, data):
    batch = CION[arch][list(SETS).index(data)]
    name = f'fine-tune_{arch.replace("_", "-")}_1xb{batch}-120e_{data}.py'
    cfg = Config.fromfile(ROOT / 'cion' / name)
    check_common(cfg, data)
    backbone = {
        **cfg.model.backbone,
        'type': f'mmcion.{cfg.model.backbone.type}',
    }
    drop = backbone.pop('drop_path_rate', 0)
    assert drop == (0.1 if arch.startswith('swin') else 0)
    assert backbone == get_architecture(arch).backbone
    assert cfg.train_dataloader.batch_size == batch
    assert cfg.auto_scale_lr.base_batch_size == batch
    rate = RATES.get((arch, data), 4e-4 * batch / 64)
    assert cfg.optim_wrapper.optimizer.lr == pytest.approx(rate)
    warmup = 40 if (arch, data) == ('ghostnet_0_5', 'market1501') else 20
    (schedule,) = cfg.param_scheduler
    assert schedule == {'type': 'TimmCosineLR', 'warmup_ratio': warmup / 120}


def test_every_network_has_both_recipes():
    assert CION.keys() == set(list_architectures())
    assert len(list((ROOT / 'cion').glob('*.py'))) == 2 * len(CION)


@pytest.mark.parametrize('path', TRANSREID, ids=lambda path: path.stem)
def test_recipe_of_transreid(path):
    cfg = Config.fromfile(path)
    data = path.stem.rpartition('_')[2]
    check_common(cfg, data)
    name = path.stem.split('_')[1]
    backbone = cfg.model.backbone
    assert backbone.num_cameras == SETS[data][2]
    assert backbone.get('stride', 16) == (12 if 'stride12' in name else 16)
    assert (
        backbone.arch
        == {
            'vit-base': 'plain_vit_base',
            'deit-base': 'plain_vit_base',
            'deit-small': 'plain_vit_small',
            'vit-small-ics': 'vit_small',
        }[name.removesuffix('-stride12')]
    )
    assert cfg.optim_wrapper.optimizer.lr == 0.008
    assert cfg.train_dataloader.batch_size == 64
    assert cfg.auto_scale_lr.base_batch_size == 64
    assert cfg.param_scheduler == [
        {'type': 'TimmCosineLR', 'warmup_ratio': 5 / 120, 'first_step': 1}
    ]


def test_network_of_a_recipe_builds():
    (path,) = (ROOT / 'transreid').glob('*_deit-small_*_msmt17.py')
    model = MODELS.build({**Config.fromfile(path).model, '_scope_': 'mmcion'})
    assert isinstance(model.neck, JPMNeck) and isinstance(model.head, JPMHead)
    assert model.head.heads[4].classifier.weight.shape == (1041, 384)
