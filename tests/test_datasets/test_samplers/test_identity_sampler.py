from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.runner import Runner
from torch.utils.data import Dataset

from mmcion.datasets import IdentitySampler
from mmcion.datasets.samplers import identity_sampler
from mmcion.utils.checks import UserError

ALL_K = (1, 2, 4, 6, 8)


class Rows(Dataset):
    """Rows as they are read."""

    def __init__(self, pids):
        self.pids = pids

    def __len__(self):
        return len(self.pids)

    def __getitem__(self, row):
        return int(row)


def labels(sizes, seed=0):
    """Shuffled labels, not contiguous, of identities with these sizes."""
    rng = np.random.default_rng(seed)
    names = rng.permutation(10 * len(sizes))[: len(sizes)]
    return rng.permutation(np.repeat(names, sizes))


def geometric_sizes(seed, num_identities=60, mean=12):
    rng = np.random.default_rng(seed)
    return rng.geometric(1 / mean, num_identities)


def make(
    pids, batch_size, num_instances=None, world_size=1, seed=0, **options
):
    """Make the batch samplers of all ranks."""
    cam_ids = options.pop('cam_ids', ())
    dataset = SimpleNamespace(pids=pids, cam_ids=cam_ids)
    return [
        IdentitySampler(
            # as mmengine's DefaultSampler
            SimpleNamespace(
                dataset=dataset,
                seed=seed,
                epoch=0,
                rank=rank,
                world_size=world_size,
            ),
            batch_size,
            num_instances,
            **options,
        )
        for rank in range(world_size)
    ]


def batches_of(sampler, epoch):
    sampler.sampler.epoch = epoch
    return list(sampler)


def rows_of(samplers, epoch):
    """Rows of an epoch, ``(batches, ranks, P, K)``."""
    parts = []
    for sampler in samplers:
        rows = np.array(batches_of(sampler, epoch))
        assert rows.shape == (len(sampler), sampler.batch_size)
        parts.append(rows.reshape(len(rows), -1, sampler.num_instances))
    return np.stack(parts, 1)


def has_repeats(rows):
    ordered = np.sort(rows, -1)
    return (ordered[..., 1:] == ordered[..., :-1]).any(-1)


CASES = [
    (seed, world_size, k)
    for seed, world_size in ((0, 1), (1, 2), (2, 3), (3, 1), (4, 2))
    for k in ALL_K
]


@pytest.mark.parametrize(('seed', 'world_size', 'num_instances'), CASES)
def test_batches_hold_different_identities_with_k_images(
    seed, world_size, num_instances
):
    pids = labels(geometric_sizes(seed, 24 * world_size + 5 * seed), seed)
    samplers = make(pids, 24, num_instances, world_size, seed=seed)
    sizes = dict(zip(*np.unique(pids, return_counts=True), strict=True))
    for epoch in range(4):
        rows = rows_of(samplers, epoch)
        identity = pids[rows]
        assert (identity == identity[..., :1]).all()
        owners = identity[..., 0]
        assert not has_repeats(owners.reshape(len(owners), -1)).any()
        enough = np.vectorize(sizes.get)(owners) >= num_instances
        assert not has_repeats(rows)[enough].any()


@pytest.mark.parametrize('world_size', [1, 2, 3])
def test_length_is_exact_and_the_same_for_every_k(world_size):
    pids = labels(geometric_sizes(5, 80), 5)
    expected = -(-len(pids) // (24 * world_size))
    for k in ALL_K:
        for sampler in make(pids, 24, k, world_size):
            assert len(sampler) == len(list(sampler)) == expected


def test_length_stays_when_k_changes():
    (sampler,) = make(labels(geometric_sizes(5), 5), 24, 2)
    before = len(sampler)
    sampler.set_num_instances(8)
    assert len(sampler) == before
    identity = labels(geometric_sizes(5), 5)[rows_of([sampler], 0)]
    assert identity.shape[-1] == 8
    assert (identity == identity[..., :1]).all()


def test_small_identities_repeat_evenly():
    pids = labels([3] * 12)
    rows = rows_of(make(pids, 16, 8), 0)
    for group in rows.reshape(-1, 8):
        counts = np.unique(group, return_counts=True)[1]
        assert sorted(counts) == [2, 3, 3]


@pytest.mark.parametrize('world_size', [1, 2])
@pytest.mark.parametrize('num_instances', ALL_K)
def test_epochs_are_slices_of_one_stream(num_instances, world_size):
    """Nothing is lost between epochs: the stream of passes goes on.

    Global batches of all epochs, laid end to end, are those of the passes.
    """
    pids = labels(geometric_sizes(6, 70), 6)
    samplers = make(pids, 24, num_instances, world_size)
    epochs = np.concatenate([rows_of(samplers, e) for e in range(5)])
    passes = np.concatenate([samplers[0]._pass(n) for n in range(12)])
    # rank r holds the groups r, r + W, ...
    groups = epochs.swapaxes(1, 2).reshape(len(epochs), -1, num_instances)
    assert np.array_equal(groups, passes[: len(groups)])


@pytest.mark.parametrize('num_instances', ALL_K)
@pytest.mark.parametrize('seed', range(4))
def test_pass_draws_every_image_of_identities_that_fit(seed, num_instances):
    """Fewer groups than one batch has are left over, by lot.

    With n batches, the largest number that identities fill, sum_p
    min(groups_p, n + 1) < (n + 1) P; so less than P groups stay over, of at
    most K images each. Identities with more than n groups cannot be done
    within a pass and are not counted.
    """
    pids = labels(geometric_sizes(seed, 50), seed)
    (sampler,) = make(pids, 24, num_instances, seed=seed)
    drawn = sampler._pass(0)
    names, sizes = np.unique(pids, return_counts=True)
    fits = names[-(-sizes // num_instances) <= len(drawn)]
    missing = np.setdiff1d(np.flatnonzero(np.isin(pids, fits)), drawn)
    groups_per_batch = 24 // num_instances
    assert len(missing) <= (groups_per_batch - 1) * num_instances
    assert len(fits) > 40


@pytest.mark.parametrize('num_instances', [2, 4])
def test_pass_without_padding_is_a_permutation(num_instances):
    pids = labels([8] * 24)
    (sampler,) = make(pids, 16, num_instances)
    for number in range(3):
        drawn = np.sort(sampler._pass(number).ravel())
        assert np.array_equal(drawn, np.arange(len(pids)))


@pytest.mark.parametrize('num_instances', ALL_K)
def test_images_are_drawn_equally_often_over_the_epochs(num_instances):
    """Within an identity, counts differ by chance only.

    A pass draws an image once, twice if it fills up a group, or never if its
    group stays over; passes are independent and images of an identity equal.
    Hoeffding's bound on a sum of T draws in [0, 2], for N images and a risk
    of 1e-6 in all, is 2 sqrt(T ln(2 N / 1e-6) / 2).
    """
    sizes = np.clip(geometric_sizes(7, 100), num_instances, 40)
    pids = labels(sizes, 7)
    (sampler,) = make(pids, 24, num_instances)
    num_passes = 60
    drawn = np.concatenate(
        [sampler._pass(n).ravel() for n in range(num_passes)]
    )
    counts = np.bincount(drawn, minlength=len(pids))
    bound = 2 * np.sqrt(num_passes * np.log(2 * len(pids) / 1e-6) / 2)
    for name in np.unique(pids):
        own = counts[pids == name]
        assert abs(own - own.mean()).max() <= bound
        # nearly all groups are in every pass: no image is neglected
        assert own.min() >= 0.5 * num_passes


def test_frequency_of_an_identity_is_its_number_of_groups():
    sizes = np.repeat([2, 5, 8, 16, 30], 20)
    pids = labels(sizes, 8)
    (sampler,) = make(pids, 24, 4)
    drawn = np.concatenate([sampler._pass(n).ravel() for n in range(50)])
    counts = np.bincount(drawn, minlength=len(pids))
    names, sizes = np.unique(pids, return_counts=True)
    groups = -(-sizes // 4)
    frequency = np.array([counts[pids == name].sum() for name in names])
    expected = groups / groups.sum() * frequency.sum()
    assert abs(frequency / expected - 1).max() < 0.05


def test_same_seed_epoch_and_k_give_the_same_order():
    pids = labels(geometric_sizes(9), 9)
    first, second = make(pids, 24, 4)[0], make(pids, 24, 4)[0]
    list(first)  # what was drawn before does not matter
    for epoch in (3, 0):
        assert np.array_equal(
            rows_of([first], epoch), rows_of([second], epoch)
        )
    assert not np.array_equal(rows_of([first], 0), rows_of([first], 1))


def test_resumed_epoch_equals_the_uninterrupted_one():
    pids = labels(geometric_sizes(9), 9)
    (running,) = make(pids, 24, 2)
    for epoch in range(3):
        running.set_num_instances(2 if epoch < 2 else 4)
        last = rows_of([running], epoch)
    (resumed,) = make(pids, 24, 4)
    assert np.array_equal(rows_of([resumed], 2), last)


def test_seed_changes_the_order():
    pids = labels(geometric_sizes(9), 9)
    rows = [rows_of(make(pids, 24, 4, seed=seed), 0) for seed in (0, 1)]
    assert not np.array_equal(*rows)


@pytest.mark.parametrize('world_size', [2, 3])
def test_ranks_share_the_batches_of_one_process(world_size):
    pids = labels(geometric_sizes(10, 90), 10)
    ranks = rows_of(make(pids, 12, 2, world_size), 1)
    one = rows_of(make(pids, 12 * world_size, 2), 1)
    dealt = ranks.swapaxes(1, 2).reshape(one[:, 0].shape)
    assert np.array_equal(dealt, one[:, 0])


def test_identity_with_most_images_comes_once_in_a_batch():
    sizes = [900] + [4] * 25
    pids = labels(sizes, 11)
    (sampler,) = make(pids, 16, 4)
    giant = np.unique(pids)[np.unique(pids, return_counts=True)[1] == 900]
    rows = np.concatenate([rows_of([sampler], e) for e in range(8)])
    owners = pids[rows[..., 0]]
    assert ((owners == giant).sum((1, 2)) == 1).mean() > 0.95
    assert not has_repeats(owners.reshape(len(owners), -1)).any()
    # its images wait for other passes, but all get their turn
    assert np.isin(np.flatnonzero(pids == giant), rows).mean() > 0.5


@pytest.mark.parametrize('k', [5, 0])
def test_k_must_divide_the_batch_size(k):
    with pytest.raises(UserError, match=str(k)):
        make(labels([4] * 24), 24, k)


def test_k_may_come_later():
    (sampler,) = make(labels([4] * 24), 24)
    assert len(sampler) == 4
    with pytest.raises(UserError, match='num_instances'):
        list(sampler)
    sampler.set_num_instances(2)
    assert len(list(sampler)) == 4


def test_identities_must_suffice_for_the_batches_of_all_ranks():
    pids = labels([4] * 11)
    make(pids, 10, 2, world_size=2)
    with pytest.raises(UserError, match=r'\(12\) .* \(2\) x 2 .* 12 of 11 '):
        make(pids, 12, 2, world_size=2)


def test_failed_change_of_k_keeps_the_old_one():
    (sampler,) = make(labels([4] * 12), 24, 2)
    for k in (7, 1):
        with pytest.raises(UserError):
            sampler.set_num_instances(k)
    assert sampler.num_instances == 2


@pytest.mark.parametrize('option', ['compat_padding', 'balance_cameras'])
@pytest.mark.parametrize('world_size', [1, 2, 3])
def test_options_keep_the_invariants(option, world_size):
    pids = labels(geometric_sizes(12, 90), 12)
    cam_ids = np.random.default_rng(12).integers(0, 5, len(pids))
    for k in ALL_K:
        samplers = make(
            pids, 24, k, world_size, cam_ids=cam_ids, **{option: True}
        )
        for epoch in range(3):
            identity = pids[rows_of(samplers, epoch)]
            assert (identity == identity[..., :1]).all()
            owners = identity[..., 0].reshape(len(identity), -1)
            assert not has_repeats(owners).any()


@pytest.mark.parametrize('num_instances', ALL_K)
def test_balanced_groups_hold_as_many_cameras_as_there_are(num_instances):
    pids = labels(geometric_sizes(13, 60), 13)
    cam_ids = np.random.default_rng(13).geometric(0.4, len(pids))
    (sampler,) = make(
        pids, 24, num_instances, cam_ids=cam_ids, balance_cameras=True
    )
    for epoch in range(3):
        for group in rows_of([sampler], epoch).reshape(-1, num_instances):
            own = np.flatnonzero(pids == pids[group[0]])
            cameras = len(set(cam_ids[own]))
            assert len(set(cam_ids[group])) == min(num_instances, cameras)
            if len(own) >= num_instances:
                assert len(set(group)) == num_instances


@pytest.mark.parametrize('cam_ids', [(), np.zeros(3, int)])
def test_balance_needs_cameras(cam_ids):
    with pytest.raises(UserError, match=rf'48, cam_ids {len(cam_ids)}\.'):
        make(labels([4] * 12), 24, 2, cam_ids=cam_ids, balance_cameras=True)


def test_balance_and_compat_padding_exclude_each_other():
    options = {'balance_cameras': True, 'compat_padding': True}
    with pytest.raises(UserError, match='compat_padding'):
        make(labels([4] * 12), 24, 2, cam_ids=np.zeros(48), **options)


def draws(batches):
    return [(draw, draw.entropy) for batch in batches for draw in batch]


@pytest.mark.parametrize('world_size', [1, 2])
@pytest.mark.parametrize('num_instances', [2, 8])
def test_skipped_epoch_goes_on_with_the_next_batch(world_size, num_instances):
    pids = labels(geometric_sizes(14, 70), 14)
    for sampler in make(pids, 24, num_instances, world_size):
        whole = batches_of(sampler, 2)
        for num_batches in range(len(whole) + 1):
            sampler.skip(num_batches)
            rest = list(sampler)
            assert draws(rest) == draws(whole[num_batches:])
            assert len(sampler) == len(whole)
        assert draws(sampler) == draws(whole)  # the next one is whole


def test_entropy_is_seed_epoch_and_position_over_all_ranks():
    pids = labels(geometric_sizes(15, 70), 15)
    samplers = make(pids, 12, 2, world_size=3, seed=5)
    (one,) = make(pids, 36, 2, seed=5)
    expected = draws(batches_of(one, 4))
    found = [pair for s in samplers for pair in draws(batches_of(s, 4))]
    assert sorted(found, key=lambda pair: pair[1]) == expected
    assert [entropy for _, entropy in expected] == [
        (5, 4, position) for position in range(len(expected))
    ]


def test_data_loader_of_a_config():
    """mmengine passes on the data set, the seed and the batch size."""
    dataset = Rows(labels([4] * 24))
    loader = Runner.build_dataloader(
        {
            'dataset': dataset,
            'batch_size': 24,
            'sampler': {'type': 'DefaultSampler'},
            'batch_sampler': {
                'type': 'mmcion.IdentitySampler',
                'num_instances': 4,
            },
        },
        seed=7,
    )
    (expected,) = make(dataset.pids, 24, 4, seed=7)
    assert list(loader) == list(map(list, expected))


def test_batches_that_teach_nothing_are_warned_of(monkeypatch):
    logged = []
    monkeypatch.setattr(
        identity_sampler, 'print_log', lambda text, *_: logged.append(text)
    )
    make(labels((1, *[4] * 20)), 4, 2)
    assert not logged
    make(labels((1, 4, 4)), 4, 2)
    make(labels((4, 4)), 4, 4)
    assert '1 of 3' in logged[0] and 'one identity' in logged[1]
