import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmcion.models.weights import read_test_config
from mmcion.models.weights.stored_config import parse_config, stored_config
from mmcion.utils.checks import UserError
from tests.tiny import DIM, pretrainer_cfg

ROOT = Path(__file__).parents[3]

NECK = {'type': 'BNNeck', 'in_channels': DIM}


def checkpoint(cfg):
    text = cfg if isinstance(cfg, str) else Config(cfg).pretty_text
    return {'state_dict': {}, 'meta': {'cfg': text}}


def fine_tuned(**options):
    return {
        'model': {
            'type': 'ReIDModel',
            'backbone': {'type': 'TinyBackbone'},
            'backbone_checkpoint': 'start.pth',
            'neck': NECK,
            'head': {'type': 'ReIDHead', 'in_channels': 8, 'num_classes': 5},
        },
        'test_dataloader': {
            'sampler': {'type': 'DefaultSampler', 'shuffle': False},
            'dataset': {
                'type': 'ReIDDataset',
                'pipeline': [
                    {'type': 'LoadImage'},
                    {'type': 'ResizeImage', 'size': (16, 8)},
                    {'type': 'PackReIDInputs'},
                ],
            },
        },
        'test_evaluator': {'type': 'ReIDMetric'},
        'test_cfg': {},
        'custom_hooks': [{'type': 'NonFiniteGuardHook'}],
        **options,
    }


def test_values_come_back_from_the_text_of_a_config():
    values = {
        'model': {
            'type': 'X',
            'numbers': [1, -2.5, 1e-9, float('inf')],
            'pair': (256, 128),
            'nested': [{'a': None}, {'a-b': True, 1: 'its "so"'}],
            'empty': {},
        },
        'default_scope': 'mmcion',
        'optim_wrapper': {'type': 'not read'},
    }
    found = parse_config(Config(values).pretty_text)
    del values['optim_wrapper']
    assert found == values


@pytest.mark.parametrize(
    'name',
    [
        'configs/cion/cion_mobilenet-v2_1xb48-5e_clips-128x64.py',
        'configs/cion/cion_vit-small_8xb120-100e_cional.py',
        'configs/cion/benchmarks/fine-tune_resnet50-ibn_market1501.py',
    ],
)
def test_shipped_configs_survive_a_checkpoint(name):
    cfg = Config.fromfile(ROOT / name)
    found = stored_config(checkpoint(cfg.pretty_text)).to_dict()
    expected = cfg.to_dict()
    assert found == {key: expected[key] for key in found}
    assert 'model' in found


def test_config_in_python_style():
    cfg = Config.fromfile(ROOT / 'tests' / 'data' / 'tiny_train_python.py')
    text = cfg.pretty_text
    found = stored_config(checkpoint(text.replace('tests.tiny.', '')))
    assert found.model.type == 'mmcion.CION'
    # a module of one's own is code
    with pytest.raises(
        UserError, match=r'tests\.TinyBackbone .* not register'
    ):
        stored_config(checkpoint(text))


@pytest.mark.parametrize(
    'text',
    [
        "model = __import__('os').mkdir({!r})",
        "model = dict(a=[open({!r}, 'w')])",
        "model = dict(type=(lambda: open({!r}, 'w'))())",
        'model = dict(*[1])\n# {}',
        'model = some.module.Class\n# {}',
        'model = dict(a=',
        'model = ' + '(' * 300 + ')' * 300,
        'model = ' + '-' * 100_000 + '1',
    ],
)
def test_code_in_a_config_never_runs(tmp_path, text):
    trace = tmp_path / 'trace'
    with pytest.raises(UserError, match='plain values'):
        stored_config(checkpoint(text.replace('{!r}', repr(str(trace)))))
    assert not trace.exists()


def test_code_beside_the_settings_is_not_looked_at(tmp_path):
    trace = tmp_path / 'trace'
    text = f'import os\nos.mkdir({str(trace)!r})\nx = open()\nmodel = None'
    assert parse_config(text) == {'model': None}
    assert not trace.exists()


@pytest.mark.parametrize(
    'kind',
    [
        'os.system',
        'subprocess.run',
        'mmengine.dump',
        'mmengine.fileio.dump',
        'mmcion.utils.io.write_json',
        'antigravity',
        'mmpretrain.AutoModelForCausalLM',
        'mmpretrain.Nothing',
        'NoSuchBackbone',
        'Market1501',
    ],
)
@pytest.mark.parametrize('place', ['model', 'backbone', 'deeper'])
def test_only_registered_classes_are_built(kind, place):
    model = fine_tuned()['model']
    if place == 'model':
        model['type'] = kind
    elif place == 'backbone':
        model['backbone'] = {'type': kind, 'command': 'true'}
    else:
        model['backbone']['layers'] = [{'x': {'type': kind}}]
    name = kind.rpartition('.')[2]
    with pytest.raises(UserError, match=f'{name} is not registered'):
        stored_config(checkpoint({'model': model}))
    assert 'antigravity' not in sys.modules


def test_other_scopes_are_not_entered():
    model = fine_tuned()['model']
    model['backbone']['_scope_'] = 'os'
    with pytest.raises(UserError, match='os is not registered'):
        stored_config(checkpoint({'model': model}))


def test_backbones_of_mmpretrain_are_known():
    backbone = {
        'type': 'mmpretrain.TIMMBackbone',
        'model_name': 'mobilenetv2_100',
    }
    model = {'type': 'ReIDModel', 'backbone': backbone}
    cfg = stored_config(checkpoint({'model': model}))
    assert cfg.model.backbone == backbone


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """A module outside the package that registers a backbone."""
    (tmp_path / 'own_parts.py').write_text(
        'from torch import nn\n'
        'from mmcion.registry import MODELS\n'
        '@MODELS.register_module(force=True)\n'
        'class OwnBackbone(nn.Conv2d):\n'
        '    pass\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield fine_tuned(
        model={
            'type': 'ReIDModel',
            'backbone': {
                'type': 'OwnBackbone',
                'in_channels': 3,
                'out_channels': 4,
                'kernel_size': 1,
            },
        },
        custom_imports={
            'imports': ['own_parts'],
            'allow_failed_imports': False,
        },
    )
    from mmcion.registry import MODELS

    MODELS.module_dict.pop('OwnBackbone', None)
    sys.modules.pop('own_parts', None)


def test_modules_of_a_file_are_imported_on_demand_only(own_module):
    with pytest.raises(
        UserError, match=r'OwnBackbone .*own_parts.*--custom-i'
    ):
        stored_config(checkpoint(own_module))
    assert 'own_parts' not in sys.modules
    cfg = stored_config(checkpoint(own_module), custom_imports=True)
    assert cfg.model.backbone.type == 'OwnBackbone'
    stored_config(checkpoint(own_module))  # registered by now


def test_module_that_is_not_there_is_named():
    imports = {'imports': ['no_such_module'], 'allow_failed_imports': False}
    content = checkpoint(fine_tuned(custom_imports=imports))
    stored_config(content)  # nothing of it is needed
    with pytest.raises(UserError, match=r'no_such_module .*PYTHONPATH'):
        stored_config(content, custom_imports=True)


@pytest.mark.parametrize(
    'content', [{}, [1], {'meta': {'epoch': 1}}, {'meta': 3}, {'x': 1}]
)
def test_checkpoints_without_a_config(content):
    with pytest.raises(UserError, match='does not say what network'):
        stored_config(content)


def test_config_to_test_a_checkpoint_with(tmp_path):
    torch.save(checkpoint(fine_tuned()), tmp_path / 'a.pth')
    cfg = read_test_config(tmp_path / 'a.pth')
    assert set(cfg) == {
        'model',
        'test_dataloader',
        'test_evaluator',
        'test_cfg',
    }
    assert 'head' not in cfg.model
    torch.save(checkpoint({'model': pretrainer_cfg()}), tmp_path / 'b.pth')
    with pytest.raises(UserError, match=r'b\.pth: .* no test: .*--hold-out'):
        read_test_config(tmp_path / 'b.pth')


@pytest.mark.parametrize('key', ['test_dataloader', 'test_evaluator'])
def test_classes_of_a_test_are_registered_too(tmp_path, key):
    cfg = fine_tuned()
    cfg[key]['more'] = [{'type': 'os.system', 'command': 'true'}]
    torch.save(checkpoint(cfg), tmp_path / 'a.pth')
    with pytest.raises(UserError, match=r'os\.system is not registered'):
        read_test_config(tmp_path / 'a.pth')
