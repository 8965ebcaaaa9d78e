import logging
from types import SimpleNamespace

import numpy as np
import pytest

from mmcion.datasets import IdentitySampler
from mmcion.engine import InstanceScheduleHook


def make_runner(batch_size=24, loader_batch_size=24, num_identities=30):
    pids = np.repeat(np.arange(num_identities), 4)
    sampler = IdentitySampler(SimpleNamespace(pids=pids), batch_size, 2)
    loader = SimpleNamespace(sampler=sampler, batch_size=loader_batch_size)
    return SimpleNamespace(
        train_dataloader=loader, epoch=0, logger=logging.getLogger('test')
    )


@pytest.mark.parametrize(
    ('epoch', 'expected'),
    [
        (0, 2),
        (39, 2),
        (40, 4),
        (45, 4),
        (59, 4),
        (60, 6),
        (79, 6),
        (80, 8),
        (99, 8),
        (100, 8),
        (250, 8),
    ],
)
def test_papers_schedule(epoch, expected):
    assert InstanceScheduleHook().instances_at(epoch) == expected


def test_resumed_run_has_the_k_of_its_epoch():
    runner = make_runner()
    hook = InstanceScheduleHook()
    hook.before_train(runner)
    runner.epoch = 45
    hook.before_train_epoch(runner)
    assert runner.train_dataloader.sampler.num_instances == 4


def test_k_is_set_before_every_epoch():
    runner = make_runner()
    hook = InstanceScheduleHook(epochs=[1, 2], num_instances=[2, 6])
    hook.before_train(runner)
    seen = []
    for runner.epoch in range(4):
        hook.before_train_epoch(runner)
        seen.append(runner.train_dataloader.sampler.num_instances)
    assert seen == [2, 6, 6, 6]


def test_changes_are_logged(caplog):
    runner = make_runner()
    hook = InstanceScheduleHook(epochs=[2, 4], num_instances=[2, 6])
    with caplog.at_level('INFO'):
        for runner.epoch in range(4):
            hook.before_train_epoch(runner)
    assert caplog.messages == [
        '2 images per identity from epoch 1 on',
        '6 images per identity from epoch 3 on',
    ]


def test_all_scheduled_k_are_checked_before_the_first_batch():
    hook = InstanceScheduleHook(epochs=[1, 2], num_instances=[2, 5])
    with pytest.raises(ValueError, match=r'num_instances \(5\)'):
        hook.before_train(make_runner())


def test_too_few_identities_are_noticed_before_the_first_batch():
    hook = InstanceScheduleHook(epochs=[1, 2], num_instances=[4, 1])
    with pytest.raises(ValueError, match='20 identities are too few'):
        hook.before_train(make_runner(num_identities=20))


def test_batch_sizes_must_agree():
    with pytest.raises(ValueError, match='batches of 24, the data loader of'):
        InstanceScheduleHook().before_train(make_runner(24, 48))


@pytest.mark.parametrize(
    ('epochs', 'num_instances'),
    [([40, 60], [2]), ([60, 40], [2, 4]), ([40, 40], [2, 4])],
)
def test_lists_must_fit_each_other(epochs, num_instances):
    with pytest.raises(ValueError, match='epochs must increase'):
        InstanceScheduleHook(epochs, num_instances)
