import random

import numpy as np
import torch

from mmcion.datasets.samplers import Draw
from mmcion.datasets.transforms import SeedTransforms


def drawn_after(index):
    results = SeedTransforms()({'sample_idx': index, 'pid': 2})
    assert results == {'sample_idx': index, 'pid': 2}
    return random.random(), np.random.rand(), torch.rand(()).item()


def test_numbers_depend_on_seed_epoch_and_position():
    first = drawn_after(Draw(3, 7, 2, 1))
    assert drawn_after(Draw(3, 7, 2, 1)) == first
    assert drawn_after(Draw(9, 7, 2, 1)) == first
    for other in (Draw(3, 8, 2, 1), Draw(3, 7, 3, 1), Draw(3, 7, 2, 0)):
        assert not set(drawn_after(other)) & set(first)


def test_plain_rows_leave_the_generators():
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    SeedTransforms()({'sample_idx': 3})
    SeedTransforms()({})
    assert torch.equal(torch.rand(2), expected)
