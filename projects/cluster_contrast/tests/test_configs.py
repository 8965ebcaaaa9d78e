"""Every recipe parses, builds, and has the settings of its paper."""

import json

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope

from mmcion.datasets.transforms import build_pipeline
from mmcion.registry import MODELS, PARAM_SCHEDULERS
from tests.tool_utils import ROOT

CONFIGS = sorted((ROOT / 'projects/cluster_contrast/configs').glob('*.py'))
NAMES = [path.stem for path in CONFIGS]
# the others differ in their depth
BUILT = [name for name in NAMES if '101' not in name and '152' not in name]


def read(name):
    return Config.fromfile(
        ROOT / f'projects/cluster_contrast/configs/{name}.py'
    )


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmcion'):
        yield


def target(name):
    return name.rpartition('_')[2].rpartition('-to-')[2]


def test_recipes_of_both_families_and_sets():
    assert len(NAMES) == 30
    for data in ('market1501', 'msmt17'):
        assert f'usl-official_resnet50_{data}' in NAMES
        assert (
            sum(n.startswith('usl_') and target(n) == data for n in NAMES) == 7
        )
        assert (
            sum(n.startswith('uda_') and target(n) == data for n in NAMES) == 7
        )


@pytest.mark.parametrize('name', NAMES)
def test_settings_are_the_published_ones(name):
    cfg = read(name)
    is_official, is_market = 'official' in name, target(name) == 'market1501'
    loader, memory = cfg.train_dataloader, cfg.model.head.memory
    assert loader.dataset.dataset.type.lower() == target(name)
    assert loader.dataset.split == 'train'
    gpus = 4 if is_official or is_market else 2
    assert loader.batch_size * gpus == 256
    sampler = loader.batch_sampler
    assert sampler.num_instances == (16 if is_official else 8)
    assert sampler.num_batches == (
        400 if is_official and not is_market else 200
    )
    (hook,) = (h for h in cfg.custom_hooks if h.type == 'PseudoLabelHook')
    assert hook.eps == (0.6 if is_official or is_market else 0.7)
    assert memory.temperature == 0.05
    assert (memory.rule, memory.momentum) == (
        ('sequential', 0.1) if is_official else ('hard', 0.2)
    )
    optimizer = cfg.optim_wrapper.optimizer
    assert optimizer.type == ('Adam' if is_official else 'SGD')
    assert (optimizer.lr, optimizer.weight_decay) == (3.5e-4, 5e-4)
    assert optimizer.get('momentum') == (None if is_official else 0.9)
    std = cfg.model.data_preprocessor.std
    assert std == ((0.229, 0.224, 0.225) if is_official else (0.5, 0.5, 0.5))
    assert (cfg.train_cfg.max_epochs, cfg.randomness.seed) == (50, 1)


@pytest.mark.parametrize('name', NAMES)
def test_epoch_is_not_selected_on_the_test_set(name):
    cfg = read(name)
    val, train = cfg.val_dataloader.dataset, cfg.train_dataloader.dataset
    assert val.type == train.type == 'HoldOutReID'
    assert val.get('split', 'test') == 'test'
    assert val.dataset == train.dataset
    assert (val.hold_out, val.get('seed')) == (
        train.hold_out,
        train.get('seed'),
    )
    assert cfg.test_dataloader.dataset.type == train.dataset.type
    assert cfg.default_hooks.checkpoint.save_best == 'reid/mAP'
    assert val.pipeline == cfg.test_dataloader.dataset.pipeline


@pytest.mark.parametrize('name', NAMES)
def test_erased_box_has_the_published_value(name):
    cfg = read(name)
    pipeline = cfg.train_dataloader.dataset.pipeline
    assert pipeline == cfg.train_pipeline
    image = torch.full((3, 200, 100), 90, dtype=torch.uint8)
    changes = build_pipeline(pipeline[1:-1])
    (fill,) = (t.fill for t in pipeline if 'fill' in t)
    mean, std = (
        torch.tensor(cfg.model.data_preprocessor[key])
        for key in ('mean', 'std')
    )
    normalised = (torch.tensor(fill) / 255 - mean) / std
    # within half a level of (0.485, 0.456, 0.406)
    expected = torch.tensor([0.485, 0.456, 0.406])
    assert ((normalised - expected) * std * 255).abs().max() <= 0.51
    torch.manual_seed(0)
    views = [changes({'img': image})['img'] for _ in range(20)]
    assert {(*view.shape, view.dtype) for view in views} == {
        (3, 256, 128, torch.uint8)
    }
    assert 3 < sum(bool((view[0] == fill[0]).any()) for view in views) < 17


@pytest.mark.parametrize('name', BUILT)
def test_network_gives_features(name):
    model = MODELS.build(read(name).model).eval()
    with torch.no_grad():
        feats = model(torch.rand(2, 3, 256, 128))
    is_vit = 'vit' in name
    assert feats.shape == (2, 384 if is_vit else 2048)
    assert (model.neck.pooling is None) == is_vit
    assert not model.neck.bn.bias.requires_grad
    assert (model.neck.bn.weight == 1).all()
    if not is_vit:
        assert model.neck.pooling.p.item() == 3
        assert model.neck.pooling.p.requires_grad


def test_learning_rate_of_every_epoch():
    golden = json.loads(
        (ROOT / 'tests/data/golden_cluster_contrast.json').read_text()
    )
    expected = golden['learning_rates']['outputs']['cluster_contrast']
    cfg = read(NAMES[0])
    weight = torch.nn.Parameter(torch.zeros(1))
    wrapper = OptimWrapper(torch.optim.SGD([weight], lr=1.0))
    (settings,) = cfg.param_scheduler
    schedule = PARAM_SCHEDULERS.build(
        settings, default_args={'optimizer': wrapper, 'end': 50}
    )
    rates = {}
    for epoch in range(50):
        rates[str(epoch)] = wrapper.param_groups[0]['lr']
        wrapper.optimizer.step()
        schedule.step()
    for epoch, rate in expected.items():
        assert rates[epoch] == pytest.approx(rate, rel=1e-9)
