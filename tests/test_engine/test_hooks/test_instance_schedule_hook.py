import logging
from types import SimpleNamespace

import numpy as np
import pytest

from mmcion.datasets import IdentitySampler
from mmcion.engine import InstanceScheduleHook
from mmcion.utils.checks import UserError

PAPER = {'num_instances': [2, 4, 6, 8], 'milestone_ratios': [0.4, 0.6, 0.8]}


def make_runner(num_identities=30, max_epochs=4):
    dataset = SimpleNamespace(pids=np.repeat(np.arange(num_identities), 4))
    sampler = SimpleNamespace(
        dataset=dataset, seed=0, epoch=0, rank=0, world_size=1
    )
    loader = SimpleNamespace(batch_sampler=IdentitySampler(sampler, 24))
    return SimpleNamespace(
        train_dataloader=loader,
        epoch=0,
        max_epochs=max_epochs,
        logger=logging.getLogger('test'),
    )


@pytest.mark.parametrize(
    ('epoch', 'expected'),
    [
        (0, 2),
        (39, 2),
        (40, 4),
        (59, 4),
        (60, 6),
        (79, 6),
        (80, 8),
        (99, 8),
        (100, 8),
    ],
)
def test_papers_schedule(epoch, expected):
    assert InstanceScheduleHook(**PAPER).instances_at(epoch, 100) == expected


def test_schedule_follows_the_number_of_epochs():
    hook = InstanceScheduleHook(**PAPER)
    found = [hook.instances_at(epoch, 5) for epoch in range(5)]
    assert found == [2, 2, 4, 6, 8]


def test_resumed_run_has_the_k_of_its_epoch():
    runner = make_runner(max_epochs=100)
    hook = InstanceScheduleHook(**PAPER)
    hook.before_train(runner)
    runner.epoch = 45
    hook.before_train_epoch(runner)
    assert runner.train_dataloader.batch_sampler.num_instances == 4


def test_k_is_set_before_every_epoch_and_logged_when_it_changes(caplog):
    runner = make_runner()
    hook = InstanceScheduleHook([2, 6], [0.5])
    hook.before_train(runner)
    seen = []
    with caplog.at_level('INFO'):
        for runner.epoch in range(4):
            hook.before_train_epoch(runner)
            seen.append(runner.train_dataloader.batch_sampler.num_instances)
    assert seen == [2, 2, 6, 6]
    assert caplog.messages == [
        '2 images per identity from epoch 1 on',
        '6 images per identity from epoch 3 on',
    ]


@pytest.mark.parametrize('num_instances', [[2, 5], [4, 1]])
def test_all_k_are_checked_before_the_first_batch(num_instances):
    """5 does not divide the batch of 24; K = 1 needs 24 identities."""
    hook = InstanceScheduleHook(num_instances, [0.5])
    with pytest.raises(UserError, match=str(num_instances[1])):
        hook.before_train(make_runner(num_identities=20))


@pytest.mark.parametrize(
    'milestone_ratios', [[], [0.4, 0.6], [0.6, 0.4, 0.8], [0.4, 0.4, 0.8]]
)
def test_lists_must_fit_each_other(milestone_ratios):
    with pytest.raises(UserError, match=r'\[2, 4, 6, 8\]'):
        InstanceScheduleHook([2, 4, 6, 8], milestone_ratios)


@pytest.mark.parametrize('ratio', [0, 1, 40])
def test_milestones_are_ratios(ratio):
    with pytest.raises(UserError, match=str(ratio)):
        InstanceScheduleHook([2, 4], [ratio])


def test_k_has_one_place():
    runner = make_runner()
    runner.train_dataloader.batch_sampler.set_num_instances(4)
    with pytest.raises(UserError, match='num_instances=4'):
        InstanceScheduleHook([2, 4], [0.5]).before_train(runner)


def test_other_batches_have_no_k():
    runner = make_runner()
    runner.train_dataloader.batch_sampler = object()
    with pytest.raises(UserError, match='IdentitySampler'):
        InstanceScheduleHook([2, 4], [0.5]).before_train(runner)
