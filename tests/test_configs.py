"""Every config parses, loses no override, builds and, if it can, trains."""

import re
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch.nn.modules.batchnorm import _BatchNorm

from mmcion.apis.zoo_index import read_index
from mmcion.datasets.reid.published_counts import PUBLISHED as PUBLISHED_COUNTS
from mmcion.datasets.transforms import build_pipeline
from mmcion.models import get_architecture
from mmcion.registry import MODELS
from tests.golden import SMALLEST
from tests.tiny import DIM, write_identities

ROOT = Path(__file__).parents[1] / 'configs'
CONFIGS = sorted(
    str(path.relative_to(ROOT))
    for path in ROOT.rglob('*.py')
    if '_base_' not in path.parts
)
PRETRAINING = [name for name in CONFIGS if name.startswith('cion/cion_')]
EVALUATION = [name for name in CONFIGS if name.startswith('eval/')]
SUPERVISED = [name for name in CONFIGS if name.startswith('cion/benchmarks/')]
# configs of the zoo by architecture; all but the model is that of PUBLISHED
ZOO = {
    entry.arch: (entry.config or '').removeprefix('configs/')
    for entry in read_index().values()
}
PUBLISHED = ZOO['resnet50_ibn']
LARGE = [name for arch, name in ZOO.items() if arch not in SMALLEST]
RECIPES = [
    name
    for name in PRETRAINING
    if name == PUBLISHED or name not in ZOO.values()
]
# the network and the paths; all else is the config's own
TINY_NETWORK = {
    'model.backbone': {'_delete_': True, 'type': 'TinyBackbone'},
    'model.compile_backbone': False,  # takes a minute
    'model.projector.in_channels': DIM,
    'model.projector.num_prototypes': 32,
}


@cache
def read_once(name):
    return Config.fromfile(ROOT / name)


def read(name):
    return deepcopy(read_once(name))


def fields(name):
    return Path(name).stem.split('_')


def loaders(cfg):
    return {k: v for k, v in cfg.items() if k.endswith('_dataloader')}


@pytest.fixture
def scope():
    with DefaultScope.overwrite_default_scope('mmcion'):
        yield


def test_configs_are_found():
    assert len(PRETRAINING) >= 35
    assert len(EVALUATION) >= 3 and len(SUPERVISED) >= 5
    assert len(RECIPES) >= 4


@pytest.mark.parametrize('name', CONFIGS)
def test_name_has_fields_of_lower_case_words(name):
    assert re.fullmatch(r'([a-z_]+/)+[a-z0-9-]+(_[a-z0-9-]+)*\.py', name)


@pytest.mark.parametrize('name', CONFIGS)
def test_config_survives_printing(name, tmp_path):
    cfg = read(name)
    cfg.dump(tmp_path / 'printed.py')
    assert Config.fromfile(tmp_path / 'printed.py').to_dict() == cfg.to_dict()


@pytest.mark.parametrize('name', CONFIGS)
def test_paths_are_relative(name):
    assert not re.search(r"'/|home/|~", read(name).pretty_text)


@pytest.mark.parametrize('name', PRETRAINING + EVALUATION + SUPERVISED)
def test_no_override_is_lost(name):
    cfg = read(name)
    pipelines = [key for key in cfg if key.endswith('_pipeline')]
    assert pipelines
    for key in pipelines:
        loader = cfg[key.replace('_pipeline', '_dataloader')]
        assert loader.dataset.pipeline == cfg[key]
    for loader in loaders(cfg).values():
        root = cfg.get('data_root', loader.dataset.data_root)
        assert loader.dataset.data_root == root


@pytest.mark.parametrize('name', PRETRAINING + SUPERVISED)
def test_every_k_divides_the_batch(name):
    cfg = read(name)
    loader = cfg.train_dataloader
    ks = [
        k for hook in cfg.custom_hooks for k in hook.get('num_instances', [])
    ] or [loader.batch_sampler.num_instances]
    assert all(loader.batch_size % k == 0 for k in ks)


@pytest.mark.parametrize('name', SUPERVISED)
def test_supervised_training_suits_its_data(name):
    cfg = read(name)
    family, _, dataset = fields(name)
    loader, model = cfg.train_dataloader, cfg.model
    assert loader.batch_size == 64
    assert loader.dataset.split == 'train'
    assert loader.dataset.type.lower() == dataset
    assert cfg.val_dataloader == cfg.test_dataloader
    published = PUBLISHED_COUNTS[loader.dataset.type]['train']
    assert model.head.num_classes == published.pids
    assert model.get('frozen_backbone', False) == (family == 'linear')
    assert cfg.train_cfg.max_epochs % cfg.train_cfg.val_interval == 0
    assert cfg.default_hooks.checkpoint.save_best == 'reid/mAP'


@pytest.mark.parametrize('name', SUPERVISED)
def test_images_to_learn_from_have_the_size_of_the_test(name, scope):
    cfg = read(name)
    (resize,) = (t for t in cfg.test_pipeline if t.type == 'ResizeImage')
    changes = build_pipeline(cfg.train_pipeline[1:-1])
    image = torch.full((3, 100, 70), 200, dtype=torch.uint8)
    torch.manual_seed(0)
    views = [changes({'img': image})['img'] for _ in range(20)]
    assert {view.shape for view in views} == {(3, *resize.size)}
    assert {view.dtype for view in views} == {torch.uint8}
    black = [bool((view == 0).any()) for view in views]
    erased = [bool((view[1] == 116).any()) for view in views]
    assert sum(black) > 15 and 5 < sum(erased) < 15


@pytest.mark.parametrize('name', PRETRAINING)
def test_name_says_gpus_batch_and_epochs(name):
    cfg = read(name)
    algorithm, _, schedule, _ = fields(name)
    gpus, batch, epochs = map(
        int, re.fullmatch(r'(\d+)xb(\d+)-(\d+)e', schedule).groups()
    )
    assert algorithm == cfg.model.type.lower()
    assert batch == cfg.train_dataloader.batch_size
    assert epochs == cfg.train_cfg.max_epochs
    scaling = cfg.auto_scale_lr
    if scaling.get('enable'):
        assert cfg.optim_wrapper.optimizer.lr == 5e-4
        assert scaling.base_batch_size == 256
    else:
        assert scaling.base_batch_size == gpus * batch


@pytest.mark.parametrize('name', EVALUATION)
def test_name_says_the_size_of_images(name):
    cfg = read(name)
    family, *_, last = fields(name)
    assert family == 'zero-shot'
    assert cfg.test_dataloader.dataset.type == 'ReIDDataset'
    (resize,) = (t for t in cfg.test_pipeline if t.type == 'ResizeImage')
    assert last == 'x'.join(map(str, resize.size))


@pytest.mark.parametrize('arch', ZOO)
def test_model_of_the_zoo_has_a_config(arch):
    expected = get_architecture(arch)
    model = read(ZOO[arch]).model
    assert f'mmcion.{model.backbone.type}' == expected.backbone['type']
    assert {**model.backbone, 'type': 0} == {**expected.backbone, 'type': 0}
    assert set(model.projector) == {'type', 'num_prototypes'}


@pytest.mark.parametrize('arch', ZOO)
def test_zoo_shares_the_recipe(arch):
    cfg, published = read(ZOO[arch]), read(PUBLISHED)
    for each in (cfg, published):
        each.model.backbone = None
        each.pop('sync_bn', None)  # see the next test
    assert cfg.to_dict() == published.to_dict()


@pytest.mark.parametrize(
    'name',
    [
        pytest.param(name, marks=pytest.mark.slow if name in LARGE else ())
        for name in PRETRAINING + EVALUATION + SUPERVISED
    ],
)
def test_model_builds_and_gives_features(name, scope):
    cfg = read(name)
    if name in PRETRAINING:
        cfg.model.pop('compile_backbone', None)
        cfg.model.projector.num_prototypes = 32
    model = MODELS.build(cfg.model)
    model.eval()
    with torch.no_grad():
        feats = model(torch.rand(2, 3, 64, 32))
    assert feats.dim() == 2 and len(feats) == 2
    if name in PRETRAINING:
        assert model.student.projector(feats).shape == (2, 32)
    if name in SUPERVISED:
        assert feats.shape == (2, model.head.classifier.in_features)
    if name in ZOO.values():
        has_bn = any(isinstance(m, _BatchNorm) for m in model.modules())
        assert cfg.get('sync_bn') == ('torch' if has_bn else None)


def test_swin_drops_paths_in_student_and_teacher(scope):
    cfg = read(ZOO['swin_tiny'])
    cfg.model.projector.num_prototypes = 32
    model = MODELS.build(cfg.model).train()
    for network in (model.student, model.teacher):
        last = network.backbone.model.layers[-1].blocks[-1].drop_path1
        assert last.training and last.drop_prob == pytest.approx(0.1)


@pytest.mark.parametrize('name', RECIPES)
def test_an_epoch_of_training(name, tmp_path):
    crops = write_identities(tmp_path / 'crops', (2,) * 12)
    cfg = read(name)
    cfg.merge_from_dict(
        {
            **TINY_NETWORK,
            'train_dataloader.dataset.ann_file': str(crops / 'annotation'),
            'train_dataloader.dataset.data_root': str(crops),
            'train_dataloader.batch_size': 24,
            'train_dataloader.num_workers': 1,
            'train_cfg.max_epochs': 1,
            'work_dir': str(tmp_path / 'work_dir'),
            'experiment_name': tmp_path.name,
        }
    )
    Runner.from_cfg(cfg).train()
    assert (tmp_path / 'work_dir' / 'epoch_1.pth').is_file()
