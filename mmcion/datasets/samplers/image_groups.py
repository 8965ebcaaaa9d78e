"""Which images the groups of an identity hold.

Images are stored as runs, end to end, one run per identity. A group is a
pair: its identity, and its index among the identity's groups.

Shapes: N images, I identities, C (identity, camera) pairs, G any shape of
groups, K images per group.
"""

from __future__ import annotations

import numpy as np

# Rows that are sorted at once: their keys stay in the cache.
SORTED_ROWS = 1 << 15


def run_starts(count: np.ndarray) -> np.ndarray:
    """Return where runs of these lengths start, end to end."""
    return np.cumsum(count) - count


def index_in_run(count: np.ndarray) -> np.ndarray:
    """Return the index of every element within its run."""
    return np.arange(count.sum()) - np.repeat(run_starts(count), count)


def shuffle_runs(
    rng: np.random.Generator, rows: np.ndarray, count: np.ndarray
) -> np.ndarray:
    """Shuffle every run of ``(N,)`` rows by itself.

    Works on some whole runs at a time, so that the time is linear in N.
    """
    starts = run_starts(count)
    cuts = np.flatnonzero(np.diff(starts // SORTED_ROWS)) + 1
    blocks = zip(
        np.split(rows, starts[cuts]), np.split(count, cuts), strict=True
    )
    return np.concatenate([_shuffle_block(rng, *block) for block in blocks])


def _shuffle_block(
    rng: np.random.Generator, rows: np.ndarray, count: np.ndarray
) -> np.ndarray:
    """Shuffle runs as ``shuffle_runs`` does, all at once.

    Sorts one integer per row, the bits of (run, random number, index), which
    is ten times as fast as sorting twice. There are no ties, so every machine
    finds the same order.
    """
    index = index_in_run(count)
    index_bits = int(index.max()).bit_length()
    run_bits = (len(count) - 1).bit_length()
    random_bits = min(63 - run_bits - index_bits, 40)
    run = np.repeat(np.arange(len(count)), count)
    key = run << random_bits | rng.integers(0, 1 << random_bits, len(rows))
    key = key << index_bits | index
    key.sort()
    # what is left of a sorted key: the index within its run
    key &= (1 << index_bits) - 1
    key += np.repeat(run_starts(count), count)
    return rows[key]


def count_groups(
    count: np.ndarray, num_instances: int, compat_padding: bool = False
) -> np.ndarray:
    """Return the number of groups of identities with ``count`` images.

    They hold every image or, with ``compat_padding``, as many as in the
    published code: it adds n mod K images rather than what is missing to a
    multiple of K, and drops the rest.
    """
    if not compat_padding:
        return -(-count // num_instances)
    padded = count + count % num_instances
    return np.maximum(padded // num_instances, 1)


def draw_groups(
    rng: np.random.Generator,
    rows: np.ndarray,
    count: np.ndarray,
    groups: tuple[np.ndarray, np.ndarray],
    num_instances: int,
) -> np.ndarray:
    """Cut every identity's shuffled images into groups.

    The last group is filled up from the first ones: other images of the
    identity, or repeats if it has fewer than K.

    Args:
        rng: Source of randomness.
        rows: ``(N,)`` images, identity by identity.
        count: ``(I,)`` images per identity.
        groups: Identity and index of the groups, ``G`` each.
        num_instances: K.

    Returns:
        ``G + (K,)`` of ``rows``.
    """
    identity, index = groups
    shuffled = shuffle_runs(rng, rows, count)
    # G -> G + (K,): slots of a group in its identity's run, which wraps
    slot = index[..., None] * num_instances + np.arange(num_instances)
    slot %= count[identity][..., None]
    slot += run_starts(count)[identity][..., None]
    return shuffled[slot]


def draw_published_groups(
    rng: np.random.Generator,
    rows: np.ndarray,
    count: np.ndarray,
    groups: tuple[np.ndarray, np.ndarray],
    num_instances: int,
) -> np.ndarray:
    """Pad and cut as the published code does; see ``count_groups``.

    An identity with n >= K images gets n mod K of them a second time before
    it is shuffled, so a group may hold an image twice; one with fewer draws K
    with replacement. Arguments and result as of ``draw_groups``.
    """
    identity, index = groups
    extra = np.where(count < num_instances, 0, count % num_instances)
    padded = count + extra
    # The first images of a shuffled run, once more at its end, are a draw
    # without replacement.
    shuffled = shuffle_runs(rng, rows, count)
    place = index_in_run(padded)
    place %= np.repeat(count, padded)
    place += np.repeat(run_starts(count), padded)
    queue = shuffle_runs(rng, shuffled[place], padded)
    # G -> G + (K,)
    slot = index[..., None] * num_instances + np.arange(num_instances)
    size = count[identity][..., None]
    with_replacement = rng.integers(0, size, slot.shape)
    slot = np.where(size < num_instances, with_replacement, slot)
    return queue[run_starts(padded)[identity][..., None] + slot]


def draw_balanced_groups(
    rng: np.random.Generator,
    rows: np.ndarray,
    count: np.ndarray,
    groups: tuple[np.ndarray, np.ndarray],
    num_instances: int,
    camera_count: np.ndarray,
    num_cameras: np.ndarray,
) -> np.ndarray:
    """Fill groups from as many cameras of their identity as it has.

    A group holds images of min(K, cameras of the identity) cameras, as evenly
    as possible without repeating an image; only an identity with fewer than K
    images repeats any within a group. Every camera's images take turns, so
    those of cameras with few images come more often.

    Arguments and result are those of ``draw_groups``, with ``rows`` by
    identity and then by camera, ``camera_count`` ``(C,)`` images per identity
    and camera, and ``num_cameras`` ``(I,)`` cameras per identity.
    """
    identity, index = groups
    shuffled = shuffle_runs(rng, rows, camera_count)
    # An identity's images in the order in which its cameras would deal them,
    # one each per round. A camera deals at most K images to a group.
    dealt = np.minimum(camera_count, num_instances)
    pair = np.repeat(np.arange(len(dealt)), dealt)
    turn = index_in_run(dealt)
    owner = np.repeat(np.arange(len(count)), num_cameras)
    key = owner[pair] * num_instances + turn
    key = key * len(dealt) + rng.permutation(len(dealt))[pair]
    order = np.argsort(key)
    pair, turn = pair[order], turn[order]
    num_dealt = np.bincount(owner, dealt, len(count)).astype(np.int64)
    # (C,) images that a camera gives to a group if all cameras are in all
    given = np.bincount(
        pair[index_in_run(num_dealt) < num_instances], minlength=len(dealt)
    )

    # G -> G + (K,): the camera of every slot. With more cameras than K, the
    # groups of an identity take turns through them; else all are in each.
    slot = np.arange(num_instances) + np.zeros_like(index)[..., None]
    running = index[..., None] * num_instances + slot
    size = count[identity][..., None]
    cameras = num_cameras[identity][..., None]
    many = (cameras > num_instances) & (size >= num_instances)
    slot = np.where(many, running % cameras, slot % size)
    slot += run_starts(num_dealt)[identity][..., None]
    chosen = pair[slot]
    # and the image of the camera, whose run wraps
    image = np.where(
        many,
        running // cameras,
        index[..., None] * given[chosen] + turn[slot],
    )
    image %= camera_count[chosen]
    return shuffled[run_starts(camera_count)[chosen] + image]
