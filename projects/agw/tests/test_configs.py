from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from torch import nn

from mmcion.datasets.reid.published_counts import PUBLISHED
from mmcion.registry import MODELS, PARAM_SCHEDULERS
from tests.golden import read_golden

CONFIGS = Path(__file__).parents[1] / 'configs'
SINGLE = sorted(path.stem for path in CONFIGS.glob('agw*.py'))
RATES = read_golden('agw')['cases']['learning_rates']['outputs']


def read(name):
    return Config.fromfile(CONFIGS / f'{name}.py')


def rates_by_epoch(cfg, epochs):
    """Factor of the base rate in every epoch, from 0 on."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    (settings,) = cfg.param_scheduler
    scheduler = PARAM_SCHEDULERS.build(
        {**settings, 'end': epochs},
        default_args={'optimizer': OptimWrapper(optimizer)},
    )
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]['lr'])
        scheduler.step()
    return rates


def test_rates_of_all_epochs():
    rates = rates_by_epoch(read('agw_resnet50_market1501'), 120)
    for epoch, rate in RATES['agw_single_modality'].items():
        assert rates[int(epoch) - 1] == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize('name', SINGLE)
def test_config_suits_its_data_and_builds(name):
    cfg = read(name)
    loader, model = cfg.train_dataloader, cfg.model
    _, backbone, dataset = name.split('_')
    assert loader.dataset.type.lower() == dataset
    published = PUBLISHED[loader.dataset.type]['train']
    assert model.head.num_classes == published.pids
    trunk = model.backbone.trunk
    assert ('ibn' in backbone) == (trunk.type == 'ResNetIBN')
    assert str(trunk.depth) in backbone
    if trunk.depth == 50:
        built = MODELS.build(model)
        counts = [
            len(b) for b in (built.backbone.non_local, built.neck.bn.bias)
        ]
        assert counts == [5, 2048]


def test_variants_differ_as_published():
    own, fast = map(
        read, ('agw_resnet50_msmt17', 'agw-fastreid_resnet50_msmt17')
    )
    assert own.model.backbone.inner_channels == 1
    assert 'inner_channels' not in fast.model.backbone
    assert 'center' in own.model.head and 'center' not in fast.model.head
    assert 'paramwise_cfg' not in own.optim_wrapper
    # every bias, also of norms, and nothing else
    model = MODELS.build(fast.model)
    assert all(
        ('bias' in name) == (name.rsplit('.')[-1] == 'bias')
        for name, _ in model.named_parameters()
    )


@pytest.mark.parametrize('name', SINGLE)
def test_images_are_those_of_the_variant(name):
    cfg = read(name)
    loaders = [cfg[f'{part}_dataloader'] for part in ('train', 'val', 'test')]
    for loader in loaders:
        resize = loader.dataset.pipeline[1]
        kind = resize.get('interpolation', 'bicubic')
        assert kind == ('bicubic' if 'fastreid' in name else 'bilinear')
        assert loader.dataset.data_root == f'data/{name.split("_")[-1]}/'
    names = [t.type.split('/')[-1] for t in loaders[0].dataset.pipeline]
    assert names[2:5] == [
        'RandomHorizontalFlip',
        'RandomCrop',
        'RandomErasing',
    ]
    assert loaders[0].dataset.split == 'train'


def test_cross_modal_rates_of_all_epochs():
    rates = rates_by_epoch(read('cross-modal_resnet50_regdb'), 81)
    for epoch, rate in RATES['agw_cross_modality'].items():
        assert rates[int(epoch)] == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize('dataset', ['sysumm01', 'regdb'])
def test_cross_modal_config_suits_its_data(dataset):
    cfg = read(f'cross-modal_resnet50_{dataset}')
    loader = cfg.train_dataloader
    assert loader.dataset.type.lower() == dataset
    published = PUBLISHED[loader.dataset.type]['train']
    assert cfg.model.head.num_classes == published.pids
    cameras = cfg.model.backbone.thermal_cams
    assert loader.batch_sampler.thermal_cams == cameras
    assert cfg.val_cfg is None and 'val_dataloader' not in cfg
    # all but neck and classifier at a tenth of the rate
    model = MODELS.build(cfg.model)
    names = {name.split('.')[0] for name, _ in model.named_parameters()}
    assert names == {'backbone', 'neck', 'head'}


@pytest.mark.parametrize(
    ('dataset', 'held_out'), [('sysumm01', 40), ('regdb', 21)]
)
def test_held_out_config_selects_without_the_test(dataset, held_out):
    plain, cfg = (
        read(f'{name}_resnet50_{dataset}')
        for name in ('cross-modal', 'cross-modal-held-out')
    )
    train, val = cfg.train_dataloader.dataset, cfg.val_dataloader.dataset
    assert train.type == val.type == 'HoldOutReID'
    assert train.dataset == val.dataset
    assert train.hold_out == val.hold_out
    assert 'split' not in val  # that of the test
    num_pids = plain.model.head.num_classes
    assert round(train.hold_out * num_pids) == held_out
    assert cfg.model.head.num_classes == num_pids - held_out
    assert cfg.val_evaluator == cfg.test_evaluator == plain.test_evaluator
    # queries of the test's modality
    thermal = cfg.model.backbone.thermal_cams
    assert (val.query_cams == thermal) == (dataset == 'sysumm01')
    for part in ('batch_size', 'batch_sampler', 'collate_fn'):
        assert cfg.train_dataloader[part] == plain.train_dataloader[part]
    assert train.pipeline == plain.train_dataloader.dataset.pipeline
