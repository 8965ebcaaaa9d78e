"""Evidence for identities without labels (ours)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from mmengine.logging import MMLogger, print_log

from mmcion.structures import (
    FeatureStore,
    IdentityLabels,
    TrackletTable,
    cooccurring_pairs,
)
from mmcion.utils.checks import UserError

_MIN_IMAGES = 4  # of a tracklet that is cut, so that each half has two
_MAX_VALUES = 1 << 25  # of the features of a sample: 128 MiB

Denoise = Callable[[TrackletTable, FeatureStore], IdentityLabels]


def self_check(
    denoise: Denoise,
    table: TrackletTable,
    features: FeatureStore,
    *,
    seed: int = 0,
    folds: int = 5,
    max_images: int = 50_000,
) -> dict[str, Any]:
    """Denoise once more, with pairs whose answer is known, and count.

    Some tracklets are cut in two at random: the halves are one identity. And
    they are moved to times of their own, so that neither calibration nor
    co-occurrence knows which tracklets they overlapped with: those are other
    identities. This tells about joining within videos; for links between
    videos see ``calibrate_links``.

    Args:
        denoise: Pipeline to check.
        table: N images.
        features: One row per image.
        seed: Which tracklets are cut together, and where.
        folds: Number of runs. In each, another part of the tracklets is cut.
        max_images: Images of all runs. If there are more in the first,
            evenly spread whole videos are taken.

    Returns:
        ``recall``, fraction of the ``cut_tracklets`` whose halves came
        together (``rejoined``); ``precision``, fraction of the known pairs
        that came together which are one identity, the others being
        ``wrongly_joined`` of ``overlapping_pairs``, None if none came
        together; and the number of ``images``. Empty if nothing can be cut or
        calibrated.
    """
    rows = _sample_videos(
        table, min(max_images, _MAX_VALUES // max(features.dim, 1))
    )
    # without the fingerprint of the table: those of the runs differ
    unreadable = np.flatnonzero(np.isin(rows, features.unreadable))
    features = FeatureStore(features[rows], {'unreadable': unreadable})
    # tracklet t of the sample is rows start[t] : start[t] + sizes[t]
    start = np.flatnonzero(np.diff(table.tracklet_index[rows], prepend=-1))
    sizes = np.diff(np.append(start, len(rows)))
    rng = np.random.default_rng(seed)
    long = rng.permutation(np.flatnonzero(sizes >= _MIN_IMAGES))
    # rows at which the second halves begin
    middle = start + 2 + (rng.random(len(start)) * (sizes - 3)).astype(int)
    video = np.asarray(table.video_id)[rows]
    frame = np.asarray(table.frame)[rows]
    runs = min(max(max_images // max(len(rows), 1), 1), folds)
    counts = np.zeros(4, np.int64)
    for fold in range(runs):
        cut = np.sort(long[fold::folds])  # (C,)
        # (n,) the halves of t are 2 t and 2 t + 1, which keeps the order
        half = np.repeat(2 * np.arange(len(start)), sizes)
        moved = frame.copy()
        for turn, t in enumerate(cut, 1):
            stop = start[t] + sizes[t]
            half[middle[t] : stop] += 1
            moved[start[t] : stop] += turn * (frame.max() + 1)
        columns = {'video_id': video, 'tracklet_id': half}
        columns |= {'videos': table.videos}
        changed = TrackletTable.from_columns(frame=moved, **columns)
        try:
            with _quiet():
                found = denoise(changed, features)
        except UserError as error:  # too little to calibrate on
            print_log(f'no self-check: {error}', 'current', logging.WARNING)
            return {}
        name = _main_identity(half, found.identity)  # (2 T,)
        true = TrackletTable.from_columns(frame=frame, **columns)
        pairs = np.stack(cooccurring_pairs(true, half))  # (2, m) halves
        pairs = pairs[:, np.isin(pairs // 2, cut).any(0)]
        halves = np.stack((2 * cut, 2 * cut + 1))
        for i, (a, b) in enumerate((halves, pairs)):
            joined = (name[a] >= 0) & (name[a] == name[b])
            counts[2 * i : 2 * i + 2] += len(joined), joined.sum()
    num_cut, right, overlapping, wrong = counts.tolist()
    if not num_cut:
        return {}
    return {
        'recall': right / num_cut,
        'precision': right / (right + wrong) if right + wrong else None,
        'cut_tracklets': num_cut,
        'rejoined': right,
        'overlapping_pairs': overlapping,
        'wrongly_joined': wrong,
        'images': len(rows),
    }


def _sample_videos(table: TrackletTable, most: int) -> np.ndarray:
    """Return the rows of evenly spread videos, about ``most`` at most."""
    num_videos = len(table.videos)
    share = min(most / max(len(table), 1), 1)
    count = max(round(share * num_videos), min(num_videos, 1))
    videos = np.linspace(0, num_videos - 1, count).round().astype(np.int64)
    ptr = np.asarray(table.video_ptr)
    return np.concatenate(
        [np.arange(0), *(np.arange(ptr[v], ptr[v + 1]) for v in videos)]
    )


def _main_identity(group: np.ndarray, identity: np.ndarray) -> np.ndarray:
    """Return the most frequent identity in each group, -1 if none.

    Of equally frequent ones the smallest.
    """
    used = identity >= 0
    num = int(identity.max(initial=0)) + 1
    pairs, counts = np.unique(
        group[used].astype(np.int64) * num + identity[used],
        return_counts=True,
    )
    # the most frequent pair of each group is written last
    order = np.lexsort((-pairs, counts))
    owner, name = np.divmod(pairs[order], num)
    main = np.full(int(group.max(initial=-1)) + 2, -1)
    main[owner] = name
    return main


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the log of a second run."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
