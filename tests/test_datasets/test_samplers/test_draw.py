import pickle
import random

import numpy as np
import pytest
import torch

from mmcion.datasets.samplers import Draw, seed_transforms


def random_numbers(row):
    seed_transforms(row)
    return random.random(), np.random.random(), float(torch.rand(()))


def test_draw_is_a_number():
    draw = Draw(3, (1, 2, 7))
    assert draw == 3
    assert np.arange(10)[draw] == 3
    assert {3: 'found'}[draw] == 'found'


def test_draw_reaches_workers_whole():
    draw = pickle.loads(pickle.dumps(Draw(3, (5, 2, 7))))
    assert type(draw) is Draw
    assert (draw, draw.entropy) == (3, (5, 2, 7))


def test_transforms_are_seeded_by_the_draw_and_not_the_row():
    first = random_numbers(Draw(3, (1, 2, 7)))
    assert random_numbers(Draw(9, (1, 2, 7))) == first


@pytest.mark.parametrize('other', [(0, 2, 7), (1, 3, 7), (1, 2, 8)])
def test_seed_epoch_and_position_count(other):
    first = random_numbers(Draw(3, (1, 2, 7)))
    for one, another in zip(
        random_numbers(Draw(3, other)), first, strict=True
    ):
        assert one != another


def test_other_rows_leave_the_generators_alone():
    torch.manual_seed(4)
    expected = float(torch.rand(()))
    torch.manual_seed(4)
    assert random_numbers(3)[2] == expected


def test_generators_are_those_that_their_packages_seed():
    found = random_numbers(Draw(3, (1, 2, 7)))
    states = np.random.SeedSequence((1, 2, 7)).generate_state(3).tolist()
    random.seed(states[0])
    np.random.seed(states[1])
    torch.manual_seed(states[2])
    expected = random.random(), np.random.random(), float(torch.rand(()))
    assert found == expected
