from types import SimpleNamespace

import numpy as np
import pytest

from mmcion.engine import IdentityCheckHook


def make_runner(pids, num_classes, sampler_size=8, loader_size=8):
    loader = SimpleNamespace(
        dataset=SimpleNamespace(pids=np.array(pids)),
        sampler=SimpleNamespace(batch_size=sampler_size),
        batch_size=loader_size,
    )
    head = SimpleNamespace(num_classes=num_classes)
    return SimpleNamespace(
        train_dataloader=loader, model=SimpleNamespace(head=head)
    )


def test_data_that_fits():
    IdentityCheckHook().before_train(make_runner([0, 2, 1, 1], 3))


@pytest.mark.parametrize('num_classes', [2, 4])
def test_number_of_identities_is_told(num_classes):
    runner = make_runner([0, 2, 1, 1], num_classes)
    with pytest.raises(
        ValueError,
        match=f'has 3 identities.* {num_classes} classes: set '
        'model.head.num_classes=3',
    ):
        IdentityCheckHook().before_train(runner)


@pytest.mark.parametrize('pids', [[1, 2, 3], [0, 1, 5], [-1, 0, 1]])
def test_labels_must_begin_at_0_without_gaps(pids):
    with pytest.raises(ValueError, match='number identities from 0 on'):
        IdentityCheckHook().before_train(make_runner(pids, 3))


def test_batch_sizes_must_agree():
    runner = make_runner([0, 1], 2, sampler_size=8, loader_size=16)
    with pytest.raises(ValueError, match='batches of 8, the data loader of'):
        IdentityCheckHook().before_train(runner)


def test_samplers_without_batches_are_fine():
    runner = make_runner([0, 1], 2)
    runner.train_dataloader.sampler = SimpleNamespace()
    IdentityCheckHook().before_train(runner)
