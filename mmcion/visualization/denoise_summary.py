"""What the report of a denoising counts: identities, videos, samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmcion.structures import IdentityLabels, TrackletTable

_PLAIN = 12  # up to here every number has a bin of its own
_LAST = 1024  # beyond it all numbers share a bin


@dataclass(frozen=True)
class IdentitySummary:
    """Images and videos of every identity, largest arrays ``(N,)``.

    Attributes:
        names: ``(K,)`` numbers of the identities in the labels, ascending.
        images: ``(K,)`` images of each.
        videos: ``(K,)`` videos that each is seen in.
        seen: ``(P,), (P,)`` pairs of identity (index into ``names``) and
            video in which it is seen, ascending.
    """

    names: np.ndarray
    images: np.ndarray
    videos: np.ndarray
    seen: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(
        cls, table: TrackletTable, labels: IdentityLabels
    ) -> IdentitySummary:
        """Count the identities of a labelling.

        Raises:
            ValueError: if there is not one label per row of the table.
        """
        if len(labels.identity) != len(table):
            raise ValueError(
                f'{len(labels.identity)} labels are not those of a table '
                f'of {len(table)} rows.'
            )
        keep = labels.keep
        names, index = np.unique(labels.identity[keep], return_inverse=True)
        num_videos = max(len(table.videos), 1)
        pairs = np.unique(
            index.astype(np.int64) * num_videos + table.video_id[keep]
        )
        identity, video = np.divmod(pairs, num_videos)
        return cls(
            names,
            np.bincount(index, minlength=len(names)),
            np.bincount(identity, minlength=len(names)),
            (identity, video),
        )

    def most_videos(self, most: int) -> np.ndarray:
        """Return identities of several videos: most videos, then images.

        Args:
            most: how many at most.

        Returns:
            Indices into ``names``.
        """
        several = np.flatnonzero(self.videos > 1)
        order = np.lexsort((-self.images[several], -self.videos[several]))
        return several[order[:most]]


@dataclass(frozen=True)
class VideoCounts:
    """One line about a video.

    Attributes:
        name: of the video.
        images: images in the table.
        kept: images that have an identity.
        tracklets: tracklets in the table.
        identities: identities seen in the video.
        shared: those of them that are seen in other videos too.
    """

    name: str
    images: int
    kept: int
    tracklets: int
    identities: int
    shared: int


def count_videos(
    table: TrackletTable,
    labels: IdentityLabels,
    summary: IdentitySummary,
    most: int,
) -> list[VideoCounts]:
    """Count the videos with most images, largest first."""
    images = np.diff(table.video_ptr)
    identity, video = summary.seen
    several = summary.videos[identity] > 1
    columns = (
        images,
        sums_between(labels.keep, table.video_ptr),
        _bincount(table.video_id[table.tracklet_ptr[:-1]], len(images)),
        _bincount(video, len(images)),
        _bincount(video[several], len(images)),
    )
    chosen = np.argsort(-images, kind='stable')[:most]
    return [
        VideoCounts(table.videos[v], *(int(column[v]) for column in columns))
        for v in chosen
    ]


def sums_between(flags: np.ndarray, ptr: np.ndarray) -> np.ndarray:
    """Return how many of ``flags[ptr[i]:ptr[i + 1]]`` are set, for all i."""
    total = np.concatenate(([0], np.cumsum(flags, dtype=np.int64)))
    return np.diff(total[ptr])


def bin_counts(values: np.ndarray) -> dict[str, int]:
    """Count positive whole numbers in few bins with readable names.

    Small ranges get a bin per number; otherwise every bin is as wide as all
    before it, the last takes what is over 1,024, and empty ones in front
    are left out.
    """
    top = int(values.max(initial=0))
    if top <= _PLAIN:
        found = np.bincount(values, minlength=top + 1)[1:]
        return {f'{i}': int(n) for i, n in enumerate(found, start=1)}
    ends = [1]
    while ends[-1] < min(top, _LAST):
        ends.append(2 * ends[-1])
    bins = np.searchsorted(ends, values)  # values in (ends[i - 1], ends[i]]
    found = np.bincount(bins, minlength=len(ends))
    starts = [1, *(end + 1 for end in ends)]
    names = [
        f'{start:,}' if start == end else f'{start:,}–{end:,}'
        for start, end in zip(starts, ends, strict=False)
    ]
    if top > _LAST:
        names.append(f'over {_LAST:,}')
    first = int(np.flatnonzero(found)[0])
    return dict(zip(names[first:], found[first:].tolist(), strict=True))


def spread(rows: np.ndarray, most: int) -> np.ndarray:
    """Return at most ``most`` rows, evenly spaced."""
    wanted = np.linspace(0, len(rows) - 1, min(most, len(rows)))
    return rows[np.unique(wanted.astype(int))]


def _bincount(values: np.ndarray, length: int) -> np.ndarray:
    return np.bincount(values, minlength=length)
