from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from mmcion.datasets import NaiveIdentitySampler
from mmcion.utils.checks import UserError

SIZES = (3, 4, 5, 8, 9, 12, 2, 4, 7, 6)
PIDS = np.random.default_rng(0).permutation(np.repeat(range(10), SIZES))


def make(batch_size=8, num_instances=4, world_size=1, seed=0, pids=PIDS):
    dataset = SimpleNamespace(pids=pids)
    return [
        NaiveIdentitySampler(
            SimpleNamespace(
                dataset=dataset,
                seed=seed,
                epoch=0,
                rank=rank,
                world_size=world_size,
            ),
            batch_size,
            num_instances,
        )
        for rank in range(world_size)
    ]


def read(samplers, epoch=0):
    """The batches of all ranks, ``(batches, B)`` rows each."""
    for sampler in samplers:
        sampler.sampler.epoch = epoch
    return [np.array([list(map(int, b)) for b in s]) for s in samplers]


def test_batches_hold_p_identities_with_k_images():
    (sampler,) = make()
    assert len(sampler) == len(PIDS) // 8
    (rows,) = read([sampler])
    assert rows.shape == (len(PIDS) // 8, 8)
    for batch in rows:
        pids = PIDS[batch].reshape(2, 4)
        assert (pids == pids[:, :1]).all() and pids[0, 0] != pids[1, 0]


def test_a_pass_deals_out_whole_runs():
    (sampler,) = make()
    for number in range(20):
        batches = sampler._pass(number)
        rows, counts = np.unique(batches, return_counts=True)
        # only identities with fewer than 4 images repeat some
        short = np.isin(PIDS[rows], (0, 6))
        assert (counts[~short] == 1).all()
        runs = np.bincount(PIDS[batches[:, ::4]].ravel(), minlength=10)
        most = np.maximum(np.array(SIZES) // 4, 1)
        assert (runs <= most).all()
        # it ended with fewer than two identities left
        assert (runs < most).sum() < 2


def test_an_identity_leaves_with_the_pass_only():
    # one of 2 identities has a single run, so the pass ends with it
    (sampler,) = make(pids=np.repeat((0, 1), (4, 40)))
    assert len(sampler._pass(0)) == 1
    assert len(sampler) == 5
    (rows,) = read([sampler])
    assert rows.shape == (5, 8)


def test_epochs_are_slices_of_one_stream():
    (sampler,) = make()
    passes = np.concatenate([sampler._pass(number) for number in range(12)])
    stream = np.concatenate([read([sampler], epoch)[0] for epoch in range(4)])
    np.testing.assert_array_equal(stream, passes[: len(stream)])
    # a later epoch is the same without those before it
    (fresh,) = make()
    np.testing.assert_array_equal(
        read([fresh], 3)[0], stream[3 * len(sampler) :]
    )
    assert any((a != b).any() for a, b in pairwise(np.split(stream, 4)))


@pytest.mark.parametrize('world_size', [2, 4])
def test_rank_r_takes_every_wth_image(world_size):
    (alone,) = read(make())
    ranks = read(make(8 // world_size, world_size=world_size))
    for rank, rows in enumerate(ranks):
        np.testing.assert_array_equal(rows, alone[:, rank::world_size])


def test_seed_and_skip():
    samplers = make()
    (rows,) = read(samplers)
    assert (rows != read(make(seed=1))[0]).any()
    samplers[0].skip(2)
    np.testing.assert_array_equal(read(samplers)[0], rows[2:])
    np.testing.assert_array_equal(read(samplers)[0], rows)


def test_draws_seed_the_transforms_by_their_place():
    ranks = make(4, world_size=2, seed=5)
    places = [[d.entropy for b in s for d in b] for s in ranks]
    assert places[0][:3] == [(5, 0, 0), (5, 0, 2), (5, 0, 4)]
    assert places[1][:2] == [(5, 0, 1), (5, 0, 3)]


@pytest.mark.parametrize(
    ('batch_size', 'num_instances', 'value'),
    [(10, 4, 10), (4, 4, 4), (44, 4, 44)],
)
def test_batches_that_cannot_be_made(batch_size, num_instances, value):
    with pytest.raises(UserError, match=rf'batch_size \({value}\).* 10 ident'):
        make(batch_size, num_instances)


def test_fewer_images_than_a_batch():
    (sampler,) = make(pids=np.array([0, 0, 1]))
    assert len(sampler) == 1
    assert read([sampler])[0].shape == (1, 8)
