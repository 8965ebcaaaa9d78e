"""Co-occurring pairs: two boxes in one frame are two persons."""

from itertools import pairwise

import numpy as np
from scipy import sparse

from .tracklet_table import TrackletTable

_RUN_ROWS = 1 << 17


def cooccurring_pairs(
    table: TrackletTable,
    group: np.ndarray,
    *,
    min_frames: int = 1,
    synchronised: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of groups that occur in one frame of a video.

    Args:
        table: Images with their videos and frames.
        group: ``(N,)`` integers, such as ``table.tracklet_index`` or
            identities; rows of -1 are ignored.
        min_frames: Fewest frames that a pair shares.
        synchronised: Whether one frame of two videos is one moment.

    Returns:
        Smaller and larger group of each pair, two ``(m,)`` sorted arrays.
    """
    none = np.zeros(0, np.int64)
    firsts, seconds, counts = [none], [none], [none]
    for start, stop in _runs(table, synchronised):
        here = group[start:stop]
        used = here >= 0
        if not used.any():
            continue
        names, local = np.unique(here[used], return_inverse=True)
        frame = table.frame[start:stop][used].astype(np.int64)
        if not synchronised:
            # one number per frame of a video
            video = table.video_id[start:stop][used].astype(np.int64)
            frame += video * (int(frame.max()) + 1)
        _, frame = np.unique(frame, return_inverse=True)
        # (groups, frames), 1 where a group has one box or more; the product
        # counts frames that two groups share
        present = sparse.csr_matrix(
            (np.ones(len(local), np.int32), (local, frame))
        )
        present.data[:] = 1
        pairs = sparse.triu(present @ present.T, k=1).tocoo()
        firsts.append(names[pairs.row].astype(np.int64))
        seconds.append(names[pairs.col].astype(np.int64))
        counts.append(pairs.data)
    # pairs of all videos, each once: as numbers, which sort in their order
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    span = int(group.max(initial=0)) + 1
    keys, index = np.unique(first * span + second, return_inverse=True)
    frames = np.bincount(index, np.concatenate(counts), len(keys))
    return np.divmod(keys[frames >= min_frames], span)


def _runs(table: TrackletTable, synchronised: bool) -> list[tuple[int, int]]:
    """Cut the rows into runs of whole videos, of about ``_RUN_ROWS``."""
    if synchronised:
        return [(0, len(table))]
    ptr = np.asarray(table.video_ptr)
    ends = np.searchsorted(ptr, np.arange(_RUN_ROWS, ptr[-1], _RUN_ROWS))
    cuts = np.unique(np.concatenate(([0], ptr[ends], ptr[-1:])))
    return list(pairwise(cuts.tolist()))
