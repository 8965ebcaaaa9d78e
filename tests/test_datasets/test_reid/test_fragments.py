"""The config fragments of the evaluation sets."""

from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmcion.datasets.reid import BaseReIDDataset
from mmcion.registry import DATASETS, METRICS

ROOT = Path(__file__).parents[3] / 'configs' / '_base_' / 'datasets'
CONFIGS = {path.stem: Config.fromfile(path) for path in ROOT.glob('*.py')}
NAMES = sorted(
    name
    for name, cfg in CONFIGS.items()
    if 'test_dataloader' in cfg and name != 'reid_test'  # the base of all
)


def test_fragments_are_found():
    assert {'market1501', 'mars', 'regdb', 'sysumm01'} <= set(NAMES)
    assert len(NAMES) >= 12


@pytest.mark.parametrize('name', NAMES)
def test_dataset_builds_but_for_the_images(name):
    cfg = CONFIGS[name]
    with DefaultScope.overwrite_default_scope('mmcion'):
        dataset = cfg.test_dataloader.dataset
        built = DATASETS.build({**dataset, 'lazy_init': True})
        METRICS.build(cfg.test_evaluator)
    assert isinstance(built, BaseReIDDataset) and built.split == 'test'
    assert len(built.pipeline.transforms) == 3
    assert dataset.pipeline == cfg.test_pipeline
    assert dataset.data_root == cfg.get('data_root', 'data')


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        (
            'sysumm01',
            {
                'protocol': {
                    'type': 'SYSUMM01Protocol',
                    'mode': 'all',
                    'shots': 1,
                }
            },
        ),
        ('mars', {'average_tracklets': True}),
        ('regdb', {'both_directions': True}),
        ('cuhk03np_labeled', {}),
    ],
)
def test_evaluator_follows_the_protocol_of_the_set(name, options):
    evaluator = CONFIGS[name].test_evaluator
    assert evaluator == {'type': 'ReIDMetric', **options}
