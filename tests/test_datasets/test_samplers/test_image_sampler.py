from types import SimpleNamespace

import numpy as np
import pytest

from mmcion.datasets import ImageSampler
from mmcion.utils.checks import UserError


def make(num_images, batch_size, world_size=1, seed=0, epoch=0):
    """Make the batch samplers of all ranks."""
    return [
        ImageSampler(
            # as mmengine's DefaultSampler
            SimpleNamespace(
                dataset=range(num_images),
                seed=seed,
                epoch=epoch,
                rank=rank,
                world_size=world_size,
            ),
            batch_size,
        )
        for rank in range(world_size)
    ]


@pytest.mark.parametrize('num_images', [24, 29])
def test_every_image_comes_once_in_whole_batches(num_images):
    (sampler,) = make(num_images, 4)
    batches = list(sampler)
    assert len(batches) == len(sampler) == num_images // 4
    rows = np.concatenate(batches)
    assert len(set(rows.tolist())) == 4 * len(batches)
    assert set(rows.tolist()) <= set(range(num_images))


def test_epochs_and_seeds_differ():
    orders = [
        np.concatenate(list(make(30, 5, seed=seed, epoch=epoch)[0])).tolist()
        for seed, epoch in ((0, 0), (0, 1), (1, 0), (0, 0))
    ]
    assert orders[0] == orders[3]
    assert orders[0] != orders[1] and orders[0] != orders[2]


def test_ranks_share_the_batches_of_one_process():
    (alone,) = make(26, 8)
    parts = zip(*make(26, 4, world_size=2), strict=True)
    for batch, ranks in zip(alone, parts, strict=True):
        assert batch == [
            row for pair in zip(*ranks, strict=True) for row in pair
        ]
        seeds = [r.entropy for pair in zip(*ranks, strict=True) for r in pair]
        assert seeds == [row.entropy for row in batch]


def test_skipped_batches_are_left_out_once():
    (sampler,) = make(20, 4)
    every = list(sampler)
    sampler.skip(3)
    assert len(sampler) == 5
    assert list(sampler) == every[3:]
    assert list(sampler) == every


def test_too_few_images():
    with pytest.raises(UserError, match='7 images'):
        make(7, 4, world_size=2)
