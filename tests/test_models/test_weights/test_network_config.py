from unittest.mock import patch

import pytest
from mmengine.config import Config

from mmcion.models.weights import evaluation_pipeline
from mmcion.models.weights.network_config import network_config
from mmcion.utils.checks import UserError
from tests.golden import DATA
from tests.tiny import FINE_TUNED, NECK, pretrainer_cfg


def test_network_of_a_fine_tuning_has_no_head():
    cfg = Config(FINE_TUNED)
    found = network_config(cfg)
    assert found == {
        'type': 'mmcion.ReIDModel',
        'backbone': {'type': 'TinyBackbone'},
        'neck': NECK,
        'neck_feat': 'before',
        'data_preprocessor': FINE_TUNED['model']['data_preprocessor'],
    }
    found = network_config(cfg, with_initial_weights=True)
    assert found['backbone_checkpoint'] == 'start.pth'


def test_network_of_a_pretraining_is_the_backbone():
    cfg = pretrainer_cfg(backbone_checkpoint='start.pth', channels_last=True)
    assert network_config(Config({'model': cfg})) == {
        'type': 'mmcion.ReIDModel',
        'backbone': cfg['backbone'],
        'data_preprocessor': cfg['data_preprocessor'],
    }


def test_other_models_stay_as_they_are():
    model = {'type': 'OwnModel', 'backbone': {'type': 'X'}, 'parts': 6}
    assert network_config(Config({'model': model})) == model
    with pytest.raises(UserError, match='no model'):
        network_config(Config({'work_dir': 'x'}))


def test_config_in_python_style():
    cfg = Config.fromfile(DATA / 'tiny_train_python.py')
    found = network_config(cfg)
    assert found['type'] == 'mmcion.ReIDModel'
    assert found['backbone']['type'] == 'tests.TinyBackbone'
    assert evaluation_pipeline(cfg)[1]['size'] == (16, 8)


def test_nothing_but_the_checkpoint_gives_weights():
    backbone = {
        'type': 'X',
        'pretrained': True,
        'checkpoint_path': 'a.pth',
        'init_cfg': {'type': 'Pretrained', 'checkpoint': 'http://a/b'},
        'stem': [{'pretrained': 'a.pth'}],
    }
    model = {'type': 'ReIDModel', 'backbone': backbone}
    assert network_config(Config({'model': model}))['backbone'] == {
        'type': 'X',
        'pretrained': False,
        'stem': [{'pretrained': None}],
    }


def test_images_of_a_test_and_of_a_pretraining():
    pipeline = evaluation_pipeline(Config(FINE_TUNED))
    assert pipeline[1] == {'type': 'ResizeImage', 'size': (16, 8)}
    for kind in ('MultiCrop', 'mmcion.MultiCrop'):
        views = {'type': kind, 'global_size': (128, 64)}
        cfg = {'train_dataloader': {'dataset': {'pipeline': [views]}}}
        assert evaluation_pipeline(Config(cfg))[1]['size'] == (128, 64)
    for cfg in ({}, {'train_dataloader': {}}):
        assert evaluation_pipeline(Config(cfg))[1]['size'] == (256, 128)


def test_views_within_a_transform_have_the_size():
    cfg = Config.fromfile(DATA / 'tiny_moco.py')
    assert evaluation_pipeline(cfg)[1]['size'] == (16, 8)
    assert network_config(cfg)['backbone'] == {'type': 'TinyBackbone'}
    # of square crops nothing is known
    view = cfg.train_dataloader.dataset.pipeline[1].transforms[0]
    view[0].size = 16
    assert evaluation_pipeline(cfg)[1]['size'] == (256, 128)


def test_type_that_a_file_names_is_not_imported():
    model = {'type': 'tests.kill_hook.KillHook', 'backbone': {'type': 'X'}}
    with patch('importlib.import_module') as load:
        found = network_config(Config({'model': model}))
    assert found['type'] == 'tests.KillHook'
    names = [call.args[0] for call in load.call_args_list]
    assert not any('kill_hook' in name for name in names)
