import pytest
from mmengine.config import Config

from mmcion.apis.retrieval_configs import dataset_configs, set_metric_options

MAIN = """
model = dict(type='ReIDModel')
work_dir = 'work'
test_dataloader = dict(
    batch_size=8,
    dataset=dict(type='Own', pipeline=[dict(type='ResizeImage', size=3)]),
)
test_evaluator = dict(type='ReIDMetric', distance='euclidean')
"""
OTHER = """
test_dataloader = dict(
    batch_size=64, dataset=dict(type='Other', data_root='data/other', trial=2)
)
test_evaluator = dict(type='ReIDMetric', both_directions=True)
"""


@pytest.fixture
def folder(tmp_path):
    for name in ('other', 'second'):
        (tmp_path / f'{name}.py').write_text(OTHER)
    (tmp_path / 'pretraining.py').write_text('train_dataloader = dict()\n')
    return tmp_path


@pytest.fixture
def main_cfg():
    return Config.fromstring(MAIN, '.py')


def test_set_and_metric_are_changed_and_nothing_else(main_cfg, folder):
    path = folder / 'second.py'
    configs = dataset_configs(main_cfg, ['other=/d', str(path)], folder)
    assert list(configs) == ['other', 'second']
    loader = configs['other'].test_dataloader
    assert loader.batch_size == 8
    assert loader.dataset == {
        'type': 'Other',
        'data_root': '/d',
        'trial': 2,
        'pipeline': [{'type': 'ResizeImage', 'size': 3}],
    }
    assert configs['other'].test_evaluator.both_directions
    assert 'distance' not in configs['other'].test_evaluator
    assert configs['other'].work_dir == 'work/other'
    second = configs['second'].test_dataloader.dataset
    assert second.data_root == 'data/other'
    assert main_cfg.test_dataloader.dataset.type == 'Own'


def test_options_hold_for_every_set(main_cfg, folder):
    options = {
        'test_evaluator.distance': 'euclidean',
        'test_dataloader.dataset.trial': 7,
        'test_dataloader.dataset.data_root': '/all',
    }
    configs = dataset_configs(
        main_cfg, ['other=/d', 'second'], folder, options
    )
    for name, data_root in (('other', '/d'), ('second', '/all')):
        dataset = configs[name].test_dataloader.dataset
        assert (dataset.trial, dataset.data_root) == (7, data_root)
        assert configs[name].test_evaluator.distance == 'euclidean'
        assert configs[name].test_evaluator.both_directions
    wrong = {'test_dataloader.dataset.pipeline.5.size': 1}
    with pytest.raises(
        ValueError, match='test_dataloader.dataset.pipeline.5.size'
    ):
        dataset_configs(main_cfg, ['other'], folder, wrong)


def test_unknown_and_repeated_sets_are_refused(main_cfg, folder):
    message = "'other', 'second'; got 'none'"
    with pytest.raises(ValueError, match=message):
        dataset_configs(main_cfg, ['none'], folder)
    with pytest.raises(ValueError, match='other'):
        dataset_configs(main_cfg, ['other', 'other=/x'], folder)
    with pytest.raises(ValueError, match='pretraining.py'):
        dataset_configs(main_cfg, ['pretraining'], folder)


def test_options_of_the_metric_among_others(main_cfg):
    set_metric_options(main_cfg, {'rerank': {'k1': 8}})
    assert main_cfg.test_evaluator.rerank.k1 == 8
    assert main_cfg.test_evaluator.distance == 'euclidean'
    metric = main_cfg.test_evaluator
    main_cfg.test_evaluator = [{'type': 'Other'}, metric]
    set_metric_options(main_cfg, {'distance': 'cosine'})
    assert main_cfg.test_evaluator[1].distance == 'cosine'
    assert 'distance' not in main_cfg.test_evaluator[0]


@pytest.mark.parametrize('evaluator', [None, {'type': 'Other'}])
def test_a_config_without_the_metric_is_refused(main_cfg, evaluator):
    main_cfg.test_evaluator = evaluator
    with pytest.raises(ValueError, match='ReIDMetric.*0'):
        set_metric_options(main_cfg, {})
