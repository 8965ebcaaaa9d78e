import json
from types import SimpleNamespace

import pytest
import torch

from mmcion.apis import fingerprint
from mmcion.datasets import ConcatReID, ReIDDataset
from mmcion.evaluation import ReIDMetric
from mmcion.models import ReIDModel
from mmcion.registry import HOOKS

from ..tiny import TinyBackbone


def write_set(path, rows):
    lines = [f'{number}.png,{row}' for number, row in enumerate(rows)]
    path.write_text('\n'.join(['path,pid,cam_id,split', *lines]))
    return {'ann_file': str(path), 'data_root': str(path)}


@pytest.fixture
def data(tmp_path):
    train = ('3,0,train', '3,1,train', '5,0,train', '-1,2,train')
    return write_set(
        tmp_path / 'a.csv', [*train, '1,0,query', '1,1,gallery', '2,1,gallery']
    )


def build(data, split):
    return ReIDDataset(**data, split=split)


def test_data_are_counted(data, tmp_path):
    train = fingerprint.describe_data(build(data, 'train'))
    labels = train.pop('labels')
    assert train == {
        'set': 'ReIDDataset',
        'images': 3,
        'identities': 2,
        'cameras': 2,
    }
    found = fingerprint.describe_data(build(data, 'test'))
    assert found['query'] == {'images': 1, 'identities': 1, 'cameras': 1}
    assert found['gallery'] == {'images': 2, 'identities': 2, 'cameras': 1}
    # as many of each, but others
    rows = '0,0,train', '0,1,train', '1,1,train'
    other = write_set(tmp_path / 'b.csv', rows)
    other = fingerprint.describe_data(build(other, 'train'))
    assert other.pop('labels') != labels and other == train


def test_sets_and_versions_are_named(data):
    dataset = ConcatReID(
        [{'type': 'ReIDDataset', **data, 'split': 'train'}] * 2
    )
    dataset.datasets[0].version = 'v2'
    found = fingerprint.describe_data(dataset)
    assert found['identities'] == 4 and found['cameras'] == 4
    assert [part.get('version') for part in found['sets']] == ['v2', None]
    assert fingerprint.describe_data([1, 2]) == {'set': 'list', 'images': 2}


@pytest.fixture
def runner(data, tmp_path):
    torch.save(TinyBackbone().state_dict(), tmp_path / 'start.pth')
    model = ReIDModel({'type': 'TinyBackbone'}, str(tmp_path / 'start.pth'))
    loader = SimpleNamespace(dataset=build(data, 'train'))
    metric = ReIDMetric(rerank={'k1': 3, 'k2': 2})
    return SimpleNamespace(
        model=model,
        seed=7,
        train_loop=SimpleNamespace(dataloader=loader),
        val_loop=SimpleNamespace(
            dataloader=SimpleNamespace(dataset=build(data, 'test')),
            evaluator=SimpleNamespace(metrics=[metric]),
        ),
        logger=SimpleNamespace(warning=runner_warnings.append),
        _load_from=None,
        _resume=False,
    )


runner_warnings = []


def saved(runner, resume_from=None):
    """The checkpoint of a training."""
    runner_warnings.clear()
    hook = HOOKS.build({'type': 'FingerprintHook'})
    if resume_from is not None:
        runner._resume = True
        hook.after_load_checkpoint(runner, resume_from)
    hook.before_train(runner)
    checkpoint = {'meta': {}}
    hook.before_save_checkpoint(runner, checkpoint)
    return checkpoint


def test_checkpoint_has_all_that_it_depends_on(runner):
    found = saved(runner)['meta']['fingerprint']
    assert json.loads(json.dumps(found))['seed'] == 7
    assert {'train', 'val'} == set(found['data'])
    assert found['options']['rerank']['k1'] == 3
    assert found['options']['flip_test'] is False
    weights = found['weights']['backbone']
    assert weights['file'] == 'start.pth' and weights['coverage'] == 1
    assert len(weights['sha256']) == 64
    assert weights['tensors'] == weights['tensors_in_file'] == 4


def test_resuming_with_something_else_is_noted(runner, data, tmp_path):
    first = saved(runner)
    assert saved(runner, first) == first and not runner_warnings
    other = write_set(tmp_path / 'b.csv', ['0,0,train', '1,1,train'])
    runner.train_loop.dataloader.dataset = build(other, 'train')
    second = saved(runner, first)['meta']['fingerprint']
    assert 'data: ' in runner_warnings[0]
    assert second['before_resuming'] == first['meta']['fingerprint']
    third = saved(runner, {'meta': {'fingerprint': second}})
    assert third['meta']['fingerprint'] == second and not runner_warnings


def test_weights_of_a_whole_model_are_named(runner, tmp_path):
    path = tmp_path / 'epoch_1.pth'
    torch.save({'state_dict': {}, 'meta': {'fingerprint': {'seed': 3}}}, path)
    runner._load_from = str(path)
    first = saved(runner)
    weights = first['meta']['fingerprint']['weights']['model']
    assert weights['file'] == 'epoch_1.pth'
    assert weights['training'] == {'seed': 3}
    # a resumed run began there, too
    assert saved(runner, first) == first and not runner_warnings
