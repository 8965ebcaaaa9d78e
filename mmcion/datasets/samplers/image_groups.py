"""Which images the groups of an identity hold.

Images lie in runs, end to end, one run per identity. A group is a pair: whose
it is, and the how-manieth of its identity.

Shapes: N images, I identities, C (identity, camera) pairs, G any shape of
groups, K images per group.
"""

from __future__ import annotations

import numpy as np

# so many rows are sorted at once: what they take stays in the cache
SORTED_ROWS = 1 << 15


def run_starts(count: np.ndarray) -> np.ndarray:
    """Return where runs of these lengths start, end to end."""
    return np.cumsum(count) - count


def place_in_run(count: np.ndarray) -> np.ndarray:
    """Return of all elements of the runs how-manieth they are of theirs."""
    return np.arange(count.sum()) - np.repeat(run_starts(count), count)


def shuffle_runs(
    rng: np.random.Generator, rows: np.ndarray, count: np.ndarray
) -> np.ndarray:
    """Shuffle every run by itself.

    Works on some whole runs at a time, so that the time is linear in N.

    Args:
        rng: of the lots.
        rows: ``(N,)`` of any kind.
        count: lengths of the runs, N in all.
    """
    starts = run_starts(count)
    cuts = np.flatnonzero(np.diff(starts // SORTED_ROWS)) + 1
    parts = zip(
        np.split(rows, starts[cuts]), np.split(count, cuts), strict=True
    )
    return np.concatenate([_sort_by_lot(rng, *part) for part in parts])


def _sort_by_lot(
    rng: np.random.Generator, rows: np.ndarray, count: np.ndarray
) -> np.ndarray:
    """Shuffle runs as ``shuffle_runs`` does, all at once.

    Sorts one integer per row, (run, lot, place), which is ten times as fast
    as sorting twice and leaves no ties, so every machine finds one order.
    """
    place = place_in_run(count)
    place_bits = int(place.max()).bit_length()
    run_bits = (len(count) - 1).bit_length()
    lot_bits = min(63 - run_bits - place_bits, 40)
    run = np.repeat(np.arange(len(count)), count)
    lot = rng.integers(0, 1 << lot_bits, len(rows))
    key = ((run << lot_bits | lot) << place_bits) | place
    key.sort()
    key &= (1 << place_bits) - 1
    key += np.repeat(run_starts(count), count)
    return rows[key]


def count_groups(
    count: np.ndarray, num_instances: int, *, compat_padding: bool = False
) -> np.ndarray:
    """Return how many groups the identities with ``count`` images make.

    As many as hold every image; or, with ``compat_padding``, as many as in
    the published code, which adds n mod K images rather than what is missing
    to a multiple of K, and drops the rest.
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

    What the last group lacks comes from the first ones: other images of the
    identity, or repeats if it has fewer than K.

    Args:
        rng: of the order.
        rows: ``(N,)`` images, identity by identity.
        count: ``(I,)`` images per identity.
        groups: identity and place, ``G`` each.
        num_instances: K.

    Returns:
        ``G + (K,)`` of ``rows``.
    """
    identity, nth = groups
    shuffled = shuffle_runs(rng, rows, count)
    slot = nth[..., None] * num_instances + np.arange(num_instances)
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
    identity, nth = groups
    extra = np.where(count < num_instances, 0, count % num_instances)
    padded = count + extra
    shuffled = shuffle_runs(rng, rows, count)
    # the first images of a shuffled run once more are a draw without
    # replacement
    place = place_in_run(padded)
    place %= np.repeat(count, padded)
    place += np.repeat(run_starts(count), padded)
    queue = shuffle_runs(rng, shuffled[place], padded)
    slot = nth[..., None] * num_instances + np.arange(num_instances)
    size = count[identity][..., None]
    lot = rng.integers(0, size, slot.shape)
    slot = np.where(size < num_instances, lot, slot)
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

    A group holds images of min(K, cameras of the identity) cameras, shared
    out as evenly as possible without repeating an image; only an identity
    with fewer than K images repeats any within a group. Every camera's
    images take turns, so those of cameras with few come more often.

    Args:
        rng: of the order.
        rows: ``(N,)`` images, by identity and then by camera.
        count: ``(I,)`` images per identity.
        groups: identity and place, ``G`` each.
        num_instances: K.
        camera_count: ``(C,)`` images per identity and camera, in the order
            of ``rows``.
        num_cameras: ``(I,)`` cameras per identity.

    Returns:
        ``G + (K,)`` of ``rows``.
    """
    identity, nth = groups
    shuffled = shuffle_runs(rng, rows, camera_count)
    # an identity's images as its cameras would deal them in turn, by pair of
    # identity and camera and by round; more than K rounds are never used
    dealt = np.minimum(camera_count, num_instances)
    pair = np.repeat(np.arange(len(dealt)), dealt)
    turn = place_in_run(dealt)
    owner = np.repeat(np.arange(len(count)), num_cameras)
    key = owner[pair] * num_instances + turn
    key = key * len(dealt) + rng.permutation(len(dealt))[pair]
    order = np.argsort(key)
    pair, turn = pair[order], turn[order]
    num_dealt = np.bincount(owner, dealt, len(count)).astype(np.int64)
    # what a camera gives to a group where all cameras are in all groups
    given = np.bincount(
        pair[place_in_run(num_dealt) < num_instances], minlength=len(dealt)
    )

    slot = np.arange(num_instances) + np.zeros_like(nth)[..., None]
    running = nth[..., None] * num_instances + slot
    size = count[identity][..., None]
    cameras = num_cameras[identity][..., None]
    many = (cameras > num_instances) & (size >= num_instances)
    slot = np.where(many, running % cameras, slot % size)
    slot += run_starts(num_dealt)[identity][..., None]
    chosen = pair[slot]
    image = np.where(
        many, running // cameras, nth[..., None] * given[chosen] + turn[slot]
    )
    image %= camera_count[chosen]
    return shuffled[run_starts(camera_count)[chosen] + image]
