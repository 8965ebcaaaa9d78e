import csv
from types import SimpleNamespace

import pytest
from mmengine.evaluator import Evaluator
from torch.utils.data import DataLoader

from mmcion.apis import evaluation_check_hook
from mmcion.registry import DATASETS, HOOKS, METRICS
from mmcion.utils.checks import UserError

from ..tiny import write_image


def make_loop(folder, rows, metric=None, **loader):
    """Return a loop over rows of ``pid, cam_id, split``."""
    with open(folder / 'split.csv', 'w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(('path', 'pid', 'cam_id', 'split'))
        for number, row in enumerate(rows):
            writer.writerow((f'{number}.png', *row))
    dataset = DATASETS.build(
        {
            'type': 'ReIDDataset',
            'ann_file': str(folder / 'split.csv'),
            'data_root': str(folder),
        }
    )
    return SimpleNamespace(
        dataloader=DataLoader(dataset, **loader),
        evaluator=Evaluator(
            METRICS.build({'type': 'ReIDMetric', **(metric or {})})
        ),
    )


def check(loop):
    hook = HOOKS.build({'type': 'EvaluationCheckHook'})
    hook.before_test(SimpleNamespace(test_loop=loop))
    hook.before_train(SimpleNamespace(val_loop=loop))
    hook.before_train(SimpleNamespace(val_loop=None))


GOOD = [(1, 0, 'query'), (1, 1, 'gallery')]


@pytest.fixture
def folder(tmp_path):
    write_image(tmp_path / '0.png')
    return tmp_path


def test_good_data_pass(folder):
    check(make_loop(folder, GOOD))


@pytest.mark.parametrize(
    ('rows', 'named'),
    [
        ([(1, 0, 'query'), (2, 1, 'gallery')], 'no query identity'),
        ([(1, 0, 'query'), (1, 0, 'gallery')], 'camera_aware=False'),
        ([(1, 0, 'query')], 'no gallery image'),
        ([(1, 0, 'gallery')], 'no query image'),
        ([(-1, 0, 'query'), (1, 1, 'gallery')], 'no query image'),
    ],
)
def test_data_without_a_match_are_refused(folder, rows, named):
    with pytest.raises(UserError, match=f'split.csv.*{named}'):
        check(make_loop(folder, rows))


def test_rule_is_that_of_the_metric(folder):
    same_camera = [(1, 0, 'query'), (1, 0, 'gallery')]
    check(make_loop(folder, same_camera, {'camera_aware': False}))


def test_loader_that_leaves_images_out_is_refused(folder):
    loop = make_loop(folder, GOOD, batch_size=4, drop_last=True)
    with pytest.raises(UserError, match='test_dataloader.drop_last'):
        check(loop)


def test_more_ranks_than_images_are_refused(folder, monkeypatch):
    monkeypatch.setattr(evaluation_check_hook, 'get_world_size', lambda: 3)
    with pytest.raises(UserError, match='ranks, 3, than images, 2'):
        check(make_loop(folder, GOOD))


def test_folder_without_the_images_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='2 of 2 .*data_root'):
        check(make_loop(tmp_path, GOOD))
