"""Counts of a denoising: identities, videos and removed images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.utils.checks import check_same_length

_PLAIN = 12  # up to here every number has a bin of its own
_LAST = 1024  # all numbers beyond share a bin


@dataclass(frozen=True)
class IdentityCounts:
    """Images and videos of K identities."""

    identity: np.ndarray  # (K,) of IdentityLabels.identity, ascending
    images: np.ndarray  # (K,) images of each
    videos: np.ndarray  # (K,) videos of each
    pairs: np.ndarray  # (P, 2) index of an identity, video it is seen in

    @classmethod
    def from_labels(
        cls, table: TrackletTable, labels: IdentityLabels
    ) -> IdentityCounts:
        """Count the identities of a table."""
        check_same_length(table=table, labels=labels.identity)
        keep = labels.keep
        # (N,) -> (K,) identities, and the index of each kept row's identity
        identity, index = np.unique(labels.identity[keep], return_inverse=True)
        # one integer per (identity, video): far faster than unique rows
        num_videos = max(len(table.videos), 1)
        pairs = np.unique(
            index.astype(np.int64) * num_videos + table.video_id[keep]
        )
        pairs = np.stack(np.divmod(pairs, num_videos), axis=1)
        return cls(
            identity,
            np.bincount(index, minlength=len(identity)),
            np.bincount(pairs[:, 0], minlength=len(identity)),
            pairs,
        )

    @property
    def median_images(self) -> float:
        """Median number of images of an identity."""
        return float(np.median(self.images))

    @property
    def num_several(self) -> int:
        """Number of identities of several videos."""
        return int((self.videos > 1).sum())

    def in_most_videos(self, most: int) -> np.ndarray:
        """Return indices of identities: most videos, then most images."""
        several = np.flatnonzero(self.videos > 1)
        order = np.lexsort((-self.images[several], -self.videos[several]))
        return several[order[:most]]


@dataclass(frozen=True)
class VideoCounts:
    """Counts of one video."""

    name: str
    images: int
    kept: int  # images that have an identity
    tracklets: int
    identities: int
    shared: int  # identities that are seen in other videos, too


def count_videos(
    table: TrackletTable,
    labels: IdentityLabels,
    counts: IdentityCounts,
    most: int,
) -> list[VideoCounts]:
    """Count the videos with most images, largest first."""
    images = np.diff(table.video_ptr)
    identity, video = counts.pairs.T
    num_videos = len(images)
    # (V,) each
    columns = (
        images,
        count_between(labels.keep, table.video_ptr),
        np.bincount(table.video_id[table.tracklet_ptr[:-1]], None, num_videos),
        np.bincount(video, None, num_videos),
        np.bincount(video[counts.videos[identity] > 1], None, num_videos),
    )
    chosen = np.argsort(-images, kind='stable')[:most]
    return [
        VideoCounts(table.videos[v], *(int(column[v]) for column in columns))
        for v in chosen
    ]


@dataclass(frozen=True)
class RemovedCounts:
    """Removed images, and the tracklets that lost some or all of theirs."""

    images: int
    partly: np.ndarray  # indices of tracklets
    wholly: np.ndarray

    @classmethod
    def from_labels(
        cls, table: TrackletTable, labels: IdentityLabels
    ) -> RemovedCounts:
        """Find the images and tracklets of a table."""
        kept = count_between(labels.keep, table.tracklet_ptr)
        return cls(
            int(len(table) - kept.sum()),
            np.flatnonzero((kept > 0) & (kept < np.diff(table.tracklet_ptr))),
            np.flatnonzero(kept == 0),
        )


def count_between(flags: np.ndarray, ptr: np.ndarray) -> np.ndarray:
    """Count what is set in ``flags[ptr[i]:ptr[i + 1]]``, for every i."""
    total = np.concatenate(([0], np.cumsum(flags, dtype=np.int64)))
    return np.diff(total[ptr])


def bin_counts(values: np.ndarray) -> dict[str, int]:
    """Count positive integers in few bins with readable names.

    A small range gets a bin per number. Otherwise every bin is as wide as all
    before it, the last takes what is over 1,024, and empty bins in front are
    left out.
    """
    top = int(values.max(initial=0))
    if top <= _PLAIN:
        found = np.bincount(values, minlength=top + 1)
        return {str(i): int(found[i]) for i in range(1, top + 1)}
    # values in (ends[i - 1], ends[i]] are in bin i
    ends = 2 ** np.arange(int(np.ceil(np.log2(min(top, _LAST)))) + 1)
    found = np.bincount(np.searchsorted(ends, values), minlength=len(ends))
    starts = [1, *(ends + 1)]
    names = [
        f'{start:,}' if start == end else f'{start:,}–{end:,}'
        for start, end in zip(starts, ends, strict=False)
    ]
    if top > _LAST:
        names.append(f'over {_LAST:,}')
    first = int(np.flatnonzero(found)[0])  # there is a value, so a bin
    return dict(zip(names[first:], found[first:].tolist(), strict=True))
