from collections import Counter

import numpy as np
import pytest

from mmcion.datasets.samplers import image_groups
from mmcion.datasets.samplers.image_groups import (
    count_groups,
    draw_balanced_groups,
    draw_groups,
    draw_published_groups,
    index_in_run,
    shuffle_runs,
)

ALL_K = (1, 2, 4, 6, 8)


def all_groups(count, k, **options):
    """Every group of every identity."""
    groups = count_groups(count, k, **options)
    return np.repeat(np.arange(len(count)), groups), index_in_run(groups)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_runs_are_shuffled_by_themselves():
    count = np.array([1, 5, 3, 40])
    rows = 100 + np.arange(count.sum())
    shuffled = shuffle_runs(rng(), rows, count)
    for begin, end in ((0, 1), (1, 6), (6, 9), (9, 49)):
        assert sorted(shuffled[begin:end]) == list(rows[begin:end])
    assert (shuffled != rows).any()


@pytest.mark.parametrize('sorted_rows', [1, 7, 50, 10_000])
def test_runs_of_every_block_are_shuffled(monkeypatch, sorted_rows):
    monkeypatch.setattr(image_groups, 'SORTED_ROWS', sorted_rows)
    count = rng().geometric(1 / 12, 100)
    run = np.repeat(np.arange(len(count)), count)
    shuffled = shuffle_runs(rng(), np.arange(len(run)), count)
    assert np.array_equal(np.sort(shuffled), np.arange(len(run)))
    assert np.array_equal(run[shuffled], run)
    for part in np.split(shuffled, np.cumsum(count)[:-1]):
        assert len(part) < 20 or (np.diff(part) != 1).any()


def test_all_orders_of_a_run_are_equally_likely():
    """Chi-squared of 24 orders; 23 degrees, 60 is beyond 1e-4."""
    count = np.full(24_000, 4)
    rows = np.tile(np.arange(4), len(count))
    orders = shuffle_runs(rng(), rows, count).reshape(-1, 4)
    found = Counter(map(tuple, orders.tolist()))
    assert len(found) == 24
    assert sum((n - 1000) ** 2 / 1000 for n in found.values()) < 60


@pytest.mark.parametrize('k', ALL_K)
@pytest.mark.parametrize('seed', range(3))
def test_groups_hold_every_image(seed, k):
    count = rng(seed).geometric(1 / 12, 50)
    rows = rng(seed).permutation(count.sum())
    drawn = draw_groups(rng(), rows, count, all_groups(count, k), k)
    assert set(drawn.ravel()) == set(rows)
    assert drawn.size == (-(-count // k) * k).sum()


@pytest.mark.parametrize('k', ALL_K)
def test_number_of_published_groups(k):
    """floor(n / K) + floor(2 (n mod K) / K), and one if n < K."""
    for n in range(1, 60):
        expected = n // k + 2 * (n % k) // k if n >= k else 1
        assert count_groups(np.array([n]), k, compat_padding=True) == expected


def published_queue(random, images, k):
    """What the published sampler cuts into groups of K, in plain Python.

    Source: CION's sampler, ``np.random.choice`` and the padding by n mod K.
    """
    queue = list(images)
    if len(queue) < k:
        queue = list(random.choice(queue, k, replace=True))
    padding = len(queue) % k
    queue += list(random.choice(queue, padding, replace=False))
    random.shuffle(queue)
    return queue[: len(queue) // k * k]


@pytest.mark.parametrize(('n', 'k'), [(2, 4), (5, 4), (7, 4), (11, 8), (8, 8)])
def test_published_groups_repeat_images_as_often(n, k):
    """Shares of how often an image comes, against the plain algorithm.

    20,000 identities: a frequency's standard error is at most 0.0025.
    """
    runs = 20_000
    count = np.full(runs, n)
    groups = all_groups(count, k, compat_padding=True)
    rows = np.tile(np.arange(n), runs)
    drawn = draw_published_groups(rng(), rows, count, groups, k)
    drawn = drawn.reshape(runs, -1)
    expected = [published_queue(rng(s), range(n), k) for s in range(runs)]
    assert drawn.shape == np.shape(expected)

    def shares(queues):
        times = np.stack([(np.array(queues) == i).sum(1) for i in range(n)])
        return np.bincount(times.ravel(), minlength=9)[:9] / times.size

    assert abs(shares(drawn) - shares(expected)).max() < 0.015


@pytest.mark.parametrize('k', ALL_K)
def test_published_groups_of_an_identity_hold_at_most_the_padding_twice(k):
    count = np.arange(k, 60)
    rows = np.arange(count.sum())
    groups = all_groups(count, k, compat_padding=True)
    drawn = draw_published_groups(rng(), rows, count, groups, k)
    owner = np.repeat(np.arange(len(count)), count)
    for identity, n in enumerate(count):
        own = drawn[groups[0] == identity].ravel()
        assert (owner[own] == identity).all()
        times = Counter(own.tolist()).values()
        assert max(times) <= 2
        assert sum(t == 2 for t in times) <= n % k


def cameras(seed, num_identities=60):
    """Images per camera of identities: few or many, even or skewed."""
    random = rng(seed)
    return [
        random.geometric(random.choice([0.1, 0.5, 0.9]), size)
        for size in random.integers(1, 12, num_identities)
    ]


@pytest.mark.parametrize('k', ALL_K)
@pytest.mark.parametrize('seed', range(4))
def test_balanced_groups_by_brute_force(seed, k):
    per_identity = cameras(seed)
    pair_count = np.concatenate(per_identity)
    num_cameras = np.array([len(part) for part in per_identity])
    count = np.array([part.sum() for part in per_identity])
    pair = np.repeat(np.arange(len(pair_count)), pair_count)
    owner = np.repeat(np.arange(len(count)), count)
    groups = all_groups(count, k)
    drawn = draw_balanced_groups(
        rng(seed),
        np.arange(len(pair)),
        count,
        groups,
        k,
        pair_count,
        num_cameras,
    )
    assert (owner[drawn] == groups[0][:, None]).all()
    for identity, group in zip(groups[0], drawn, strict=True):
        per_camera = Counter(pair[group].tolist())
        assert len(per_camera) == min(k, num_cameras[identity])
        if count[identity] < k:
            continue
        assert len(set(group)) == k
        # as even as it can be: who gives less by two has no more to give
        for camera, images in per_camera.items():
            exhausted = images == pair_count[camera]
            assert exhausted or images >= max(per_camera.values()) - 1
    # the images of a camera take turns
    times = np.bincount(drawn.ravel(), minlength=len(pair))
    for camera in range(len(pair_count)):
        own = times[pair == camera]
        assert own.max() - own.min() <= 1
