"""Configs of the methods beside CION: they build, and are as published."""

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmcion.models import BasePretrainer
from mmcion.registry import MODELS, PARAM_SCHEDULERS
from tests.golden import read_golden
from tests.tiny import DIM, write_identities
from tests.tool_utils import ROOT

METHODS = ('dino', 'lup', 'pnl', 'up_reid')
CONFIGS = sorted(
    path.relative_to(ROOT / 'configs').as_posix()
    for method in METHODS
    for path in (ROOT / 'configs' / method).glob('*.py')
)
PUBLISHED = {
    'lup': 'lup/lup_resnet50_8xb320-200e_luperson.py',
    'pnl': 'pnl/pnl_resnet50_8xb192-90e_luperson-nl.py',
    'dino': 'dino/dino_vit-small_8xb64-100e_luperson.py',
    'up_reid': 'up_reid/up-reid_resnet50_8xb320-200e_luperson-boxes.py',
}
RATES = read_golden('pretraining')['learning_rates']['outputs']


def read(name):
    cfg = Config.fromfile(ROOT / 'configs' / name)
    # fewer prototypes and classes than a test has time for
    if 'num_prototypes' in cfg.model.projector:
        cfg.model.projector.num_prototypes = 32
    if 'num_classes' in cfg.model.get('head', {}):
        cfg.model.head.num_classes = 12
    if 'queue_size' in cfg.model:
        cfg.model.queue_size = 64
    return cfg


def test_configs_are_found():
    assert len(CONFIGS) >= 7


@pytest.mark.parametrize('name', CONFIGS)
def test_name_and_pipeline_are_those_of_the_config(name):
    cfg = Config.fromfile(ROOT / 'configs' / name)
    loader = cfg.train_dataloader
    assert loader.dataset.pipeline == cfg.train_pipeline
    gpus, rest = name.split('/')[1].split('_')[2].split('xb')
    batch, epochs = rest.removesuffix('e').split('-')
    assert int(batch) == loader.batch_size
    assert int(epochs) == cfg.train_cfg.max_epochs
    if not cfg.auto_scale_lr.get('enable'):
        assert cfg.auto_scale_lr.base_batch_size == int(gpus) * int(batch)
    assert loader.batch_sampler.type == 'ImageSampler'


@pytest.mark.parametrize('name', CONFIGS)
def test_model_builds_and_gives_features(name):
    with DefaultScope.overwrite_default_scope('mmcion'):
        model = MODELS.build(read(name).model)
    assert isinstance(model, BasePretrainer)
    with torch.no_grad():
        feats = model.eval()(torch.rand(1, 3, 64, 32))
    assert feats.dim() == 2 and len(feats) == 1


@pytest.mark.parametrize(
    ('method', 'golden', 'epochs'),
    [('lup', 'lup_cosine_200', 200), ('pnl', 'pnl_steps', 90)],
)
def test_learning_rates_are_the_published_ones(method, golden, epochs):
    cfg = Config.fromfile(ROOT / 'configs' / PUBLISHED[method])
    assert cfg.train_cfg.max_epochs == epochs
    weight = torch.zeros(1, requires_grad=True)
    options = dict(cfg.optim_wrapper.optimizer)
    assert options.pop('type') == 'SGD'
    wrapper = OptimWrapper(torch.optim.SGD([weight], **options))
    (scheduler,) = cfg.param_scheduler
    # as mmengine's Runner
    with DefaultScope.overwrite_default_scope('mmcion'):
        scheduler = PARAM_SCHEDULERS.build(
            {**scheduler, 'optimizer': wrapper, 'end': epochs}
        )
    rates = []
    for _ in range(epochs):
        rates.append(wrapper.get_lr()['lr'][0] / options['lr'])
        wrapper.optimizer.step()
        scheduler.step()
    for epoch, rate in RATES[golden].items():
        assert rates[int(epoch)] == pytest.approx(rate, rel=1e-9)


@pytest.mark.parametrize(
    'name',
    [
        pytest.param(
            n, marks=() if n == PUBLISHED['pnl'] else pytest.mark.slow
        )
        for n in PUBLISHED.values()
    ],
)
def test_an_epoch_of_training(name, tmp_path):
    crops = write_identities(tmp_path / 'crops', (2,) * 12)
    cfg = read(name)
    cfg.merge_from_dict(
        {
            'model.backbone': {'_delete_': True, 'type': 'TinyBackbone'},
            'model.projector.in_channels': DIM,
            'train_dataloader.dataset.ann_file': str(crops / 'annotation'),
            'train_dataloader.dataset.data_root': str(crops),
            'train_dataloader.batch_size': 12,
            'train_dataloader.num_workers': 0,
            'train_dataloader.persistent_workers': False,
            'train_cfg.max_epochs': 1,
            'work_dir': str(tmp_path / 'work_dir'),
            'experiment_name': tmp_path.name,
        }
    )
    Runner.from_cfg(cfg).train()
    assert (tmp_path / 'work_dir' / 'epoch_1.pth').is_file()
