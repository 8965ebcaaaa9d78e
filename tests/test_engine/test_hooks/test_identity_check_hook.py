from types import SimpleNamespace

import numpy as np
import pytest

from mmcion.engine import IdentityCheckHook
from mmcion.utils.checks import UserError


def check(pids, num_classes):
    dataset = SimpleNamespace(pids=np.array(pids))
    head = SimpleNamespace(num_classes=num_classes)
    runner = SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=dataset),
        model=SimpleNamespace(head=head),
    )
    IdentityCheckHook().before_train(runner)


def test_data_that_fits():
    check([0, 2, 1, 1], 3)


@pytest.mark.parametrize('num_classes', [2, 4])
def test_number_of_classes_must_be_that_of_the_identities(num_classes):
    with pytest.raises(UserError, match=r'head\.num_classes=3'):
        check([0, 2, 1, 1], num_classes)


@pytest.mark.parametrize('pids', [[1, 2, 3], [0, 1, 5], [-1, 0, 1]])
def test_labels_must_begin_at_0_without_gaps(pids):
    with pytest.raises(UserError, match=f'{pids[0]} to {pids[-1]}'):
        check(pids, 3)


def test_one_identity_is_none_to_tell_apart():
    with pytest.raises(UserError, match='one identity'):
        check([0, 0], 1)
