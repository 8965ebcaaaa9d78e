from copy import deepcopy

import pytest
from mmengine.config import Config

from mmcion.registry import MODELS, OPTIMIZERS, TRANSFORMS
from mmcion.utils.checks import UserError
from mmcion.utils.cli import override
from mmcion.utils.config_check import check_config, describe_build
from tests.tool_utils import ROOT

TUNING = Config.fromfile(
    ROOT / 'configs/cion/benchmarks/fine-tune_vit-small_market1501.py'
)
DENOISING = Config.fromfile(ROOT / 'configs/denoise/three-levels_auto.py')


@pytest.mark.parametrize(
    ('option', 'said'),
    [
        ('modle.x', 'model'),
        ('max_epochs', 'train_cfg.max_epochs'),
        ('model.flip_tset', 'flip_test'),
        ('train_dataloader.batchsize', 'batch_size'),
        ('train_dataloader.dataset.dataroot', 'data_root'),
        ('train_cfg.max_epoch', 'max_epochs'),
        ('default_hooks.chekpoint.interval', 'checkpoint'),
        ('auto_scale_lr.enabled', 'enable'),
        ('env_cfg.cudnn_benchmrk', 'cudnn_benchmark'),
        ('train_dataloader.dataset.pipeline.9.size', 'Index 9'),
        ('train_cfg.max_epochs.x', 'max_epochs'),
        (
            'test_pipeline.1.size',
            'test_dataloader.dataset.pipeline.1.size',
        ),
        ('data_root', 'test_dataloader.dataset.data_root'),
    ],
)
def test_option_that_changes_nothing(option, said):
    section = option.partition('.')[0]
    with pytest.raises(UserError, match=rf'\b{section}\b') as caught:
        override(deepcopy(TUNING), {option: 1}, 'a.py')
    assert said in str(caught.value)


@pytest.mark.parametrize(
    'option',
    [
        'model.flip_test',
        'model.backbone_checkpoint',
        'optim_wrapper.accumulative_counts',
        'optim_wrapper.clip_grad.max_norm',
        'param_scheduler.0.end',
        'train_cfg.val_begin',
        'train_dataloader.drop_last',
        'find_unused_parameters',
        'custom_hooks.0.priority',
        'experiment_name',
        'randomness.deterministic',
    ],
)
def test_option_that_the_config_leaves_at_its_default(option):
    override(deepcopy(TUNING), {option: 1}, 'a.py')


@pytest.mark.parametrize(
    ('option', 'said'),
    [('pipeline.0.min_imags', 'min_images'), ('centre', 'center')],
)
def test_options_of_a_config_without_a_run(option, said):
    override(deepcopy(DENOISING), {'pipeline.0.sigma': 0.5}, 'a.py')
    with pytest.raises(UserError, match=said):
        override(deepcopy(DENOISING), {option: 2}, 'a.py')


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        ({'train_dataloader.dataset.annfile': 'x'}, 'annfile'),
        ({'optim_wrapper.optimizer.lr': '1e-3x'}, '1e-3x'),
        ({'train_dataloader.batch_size': 0}, 'batch_size'),
        ({'train_dataloader.num_workers': -1}, 'num_workers'),
        ({'train_cfg.max_epochs': 0}, 'max_epochs'),
        ({'model.neck.embeddims': 9}, 'embed_dims'),
    ],
)
def test_config_that_nothing_can_be_built_from(options, said):
    cfg = deepcopy(TUNING)
    cfg.merge_from_dict(options)
    with pytest.raises(UserError, match=said):
        check_config(cfg, 'a.py')


@pytest.mark.parametrize(
    ('registry', 'cfg', 'said'),
    [
        (
            TRANSFORMS,
            {'type': 'ResizeImage', 'sise': 128},
            ['ResizeImage', 'sise', 'size'],
        ),
        (TRANSFORMS, {'type': 'ResizeImages'}, ['did you mean ResizeImage']),
        (
            MODELS,
            {'type': 'ResNet', 'depth': 'many'},
            ['ResNet', "depth='many'"],
        ),
        (
            OPTIMIZERS,
            {'type': 'SGD', 'params': [], 'lr': 1},
            ['SGD', 'lr=1', 'empty'],
        ),
    ],
)
def test_what_cannot_be_built_is_said_in_a_line(registry, cfg, said):
    with pytest.raises(Exception) as caught:
        registry.build(cfg)
    text = describe_build(caught.value)
    assert [word for word in said if word not in text] == []
    assert '\n' not in text


def test_other_errors_are_not_described():
    with pytest.raises(ZeroDivisionError) as caught:
        1 / 0  # noqa: B018
    assert describe_build(caught.value) is None
