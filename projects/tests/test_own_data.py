"""The commands of docs/own_data.md, as they are printed, in a small size."""

import csv
import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmcion.models.weights import read_checkpoint
from mmcion.utils.checks import UserError
from mmcion.utils.io import read_json
from tests.page_utils import read_blocks
from tests.tiny import make_pretrainer
from tests.tool_utils import ROOT, call_main

BLOCKS = [block.text for block in read_blocks('docs/own_data.md', 'bash')]
NUM_PIDS = 10
NARROW = {'depth': 50, 'base_channels': 8, 'stem_channels': 8}
SMALL = {
    'train_dataloader.batch_size': 8,
    'train_dataloader.num_workers': 0,
    'train_cfg.max_epochs': 1,
    'train_cfg.val_interval': 1,
    'default_hooks.checkpoint.interval': 1,
}
INSTANCES = 'train_dataloader.batch_sampler.num_instances'
CLUSTERS = {
    'custom_hooks.0.k1': 6,
    'custom_hooks.0.k2': 2,
    INSTANCES: 2,
    'train_dataloader.batch_sampler.num_batches': 2,
}


def narrow(prefix, **options):
    return {f'{prefix}.{k}': v for k, v in {**NARROW, **options}.items()}


# settings of the small size, by work folder
SETTINGS = {
    'fine-tune': narrow('model.backbone'),
    'mgn': {**narrow('model.backbone.backbone'), INSTANCES: 4},
    'transreid_cion': {},
    'transreid': {'model.backbone.arch': 'vit_tiny'},
    'agw': narrow('model.backbone.trunk'),
    'cross-modal': {**narrow('model.backbone.trunk'), INSTANCES: 2},
    'usl': {**narrow('model.backbone'), **CLUSTERS},
    'uda': {**narrow('model.backbone'), **CLUSTERS},
    'generalise': narrow('model.backbone'),
}


def write_set(path, pids, splits=('',)):
    """Write a CSV and images in the two colours of an identity."""
    rng = np.random.default_rng(0)
    rows = [('path', 'pid', 'cam_id', *(['split'] if splits[0] else []))]
    for pid in pids:
        looks = np.random.default_rng(pid).integers(30, 226, (2, 1, 3))
        for number in range(4):
            name = f'{path.stem}_{pid}_{number}.png'
            image = np.repeat(looks, 32, axis=0) + np.zeros((1, 32, 1))
            image += rng.normal(0, 12, image.shape)
            cv2.imwrite(
                str(path.with_name(name)), image.clip(0, 255).astype(np.uint8)
            )
            split = splits[number % len(splits)]
            rows.append((name, pid, number % 2, *([split] if split else [])))
    with open(path, 'w', newline='') as stream:
        csv.writer(stream).writerows(rows)


def write_weights(path, backbone, mean=None):
    """Write a checkpoint that says what it was trained with."""
    model = make_pretrainer(
        backbone=backbone,
        projector={'type': 'Projector', 'num_prototypes': 12},
    )
    state = model.state_dict()
    config = {'type': 'CION', 'backbone': backbone}
    if mean is not None:  # of a fine-tuning
        prefix = 'teacher.'
        state = {
            name.removeprefix(prefix): tensor
            for name, tensor in state.items()
            if name.startswith(prefix + 'backbone.')
        }
        images = {'type': 'ReIDDataPreprocessor', 'mean': mean, 'std': mean}
        config |= {'type': 'ReIDModel', 'data_preprocessor': images}
    meta = {'cfg': Config({'model': config}).pretty_text}
    torch.save({'state_dict': state, 'meta': meta}, path)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('own')
    write_set(folder / 'people.csv', range(NUM_PIDS))
    write_set(folder / 'pairs.csv', range(20, 20 + NUM_PIDS))
    write_set(folder / 'target.csv', range(50, 54), ('query', 'gallery'))
    write_set(folder / 'alone.csv', [0])
    for name, backbone in (
        ('resnet50', {'type': 'ResNet', **NARROW}),
        ('resnet50-ibn', {'type': 'ResNetIBN', **NARROW}),
        ('vit-tiny', {'type': 'VisionTransformerICS', 'arch': 'tiny'}),
        ('vit-small', {'type': 'VisionTransformerICS', 'arch': 'tiny'}),
    ):
        write_weights(folder / f'cion_{name}.pth', backbone)
    write_weights(
        folder / 'fine-tuned_resnet50.pth',
        {'type': 'ResNet', **NARROW},
        (0.5, 0.5, 0.5),
    )
    (folder / 'configs').symlink_to(ROOT / 'configs')
    (folder / 'projects').symlink_to(ROOT / 'projects')
    return folder


def run(command, **settings):
    """Run a printed command with further ``--cfg-options``."""
    command = re.sub(
        r'\$\(cat (\S+)\)', lambda found: Path(found[1]).read_text(), command
    )
    python, tool, *words = shlex.split(command.replace('\\\n', ' '))
    assert python == 'python'
    if '--cfg-options' not in words:
        words.append('--cfg-options')
    words += [f'{name}={value}' for name, value in settings.items()]
    call_main(tool.removeprefix('tools/'), *words)


def commands():
    """Printed commands of training and test, by work folder."""
    found = {}
    for block in BLOCKS:
        train, test = re.split(r'(?<!\\)\n(?=python)', block.strip())
        found[re.search(r'--work-dir work_dirs/(\S+)', train)[1]] = train, test
    return found


def test_every_recipe_is_on_the_page():
    assert commands().keys() == SETTINGS.keys()
    projects = {
        path.parent.name
        for path in (ROOT / 'projects').glob('*/configs')
        if path.parent.name != 'example_project'
    }
    assert projects <= {
        *re.findall(r'projects/(\w+)/configs', ''.join(BLOCKS))
    }


@pytest.mark.slow
@pytest.mark.parametrize('name', SETTINGS)
def test_printed_commands(folder, monkeypatch, name):
    monkeypatch.chdir(folder)
    train, test = commands()[name]
    run(train, **SMALL, **SETTINGS[name], experiment_name=f'own_{name}')
    model = SETTINGS[name] if 'configs/' in test else {}
    run(
        test,
        **{'test_dataloader.num_workers': 0, **model},
        experiment_name=f'own_test_{name}',
    )
    scores = read_json(f'work_dirs/{name}/scores.json')
    assert 0 < scores['reid/mAP'] <= 1
    found = scores['fingerprint']
    assert found['weights']['backbone']['coverage'] == 1
    training = found['weights']['backbone']['training']
    num_pids = 2 * NUM_PIDS if name == 'generalise' else NUM_PIDS - 2
    assert training['data']['train']['identities'] == num_pids
    weights = training['weights']['backbone']
    assert weights['file'] in train
    last = (folder / f'work_dirs/{name}/last_checkpoint').read_text()
    assert read_checkpoint(last)['meta']['fingerprint'] == training


@pytest.mark.slow
@pytest.mark.parametrize('name', SETTINGS)
def test_one_identity_is_refused_before_training(folder, monkeypatch, name):
    monkeypatch.chdir(folder)
    train, _ = commands()[name]
    train = re.sub(r'(people|pairs)\.csv( pairs\.csv)?', 'alone.csv', train)
    train = train.replace('--hold-out 0.2', '')
    train = train.replace(f'work_dirs/{name}', f'work_dirs/{name}_alone')
    with pytest.raises(UserError, match=r'identit|k1=6|form 1 clusters'):
        run(
            train,
            **SMALL,
            **SETTINGS[name],
            experiment_name=f'own_alone_{name}',
        )
    assert not list((folder / f'work_dirs/{name}_alone').glob('*.pth'))
