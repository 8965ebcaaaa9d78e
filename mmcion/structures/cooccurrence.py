"""Co-occurring pairs: two boxes in one frame are two persons."""

from itertools import pairwise

import numpy as np
from scipy import sparse

from .tracklet_table import TrackletTable


def cooccurring_pairs(
    table: TrackletTable, group: np.ndarray, *, synchronised: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of groups that occur in one frame of a video.

    Args:
        table: Images with their videos and frames.
        group: ``(N,)`` integers, such as ``table.tracklet_index`` or
            identities; rows of -1 are ignored.
        synchronised: Whether one frame of two videos is one moment.

    Returns:
        Smaller and larger group of each pair, two ``(m,)`` sorted arrays.
    """
    firsts, seconds = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    moments = (0, len(table)) if synchronised else table.video_ptr
    for start, stop in pairwise(moments):
        here = group[start:stop]
        used = here >= 0
        if not used.any():
            continue
        names, local = np.unique(here[used], return_inverse=True)
        _, frame = np.unique(
            table.frame[start:stop][used], return_inverse=True
        )
        # (groups, frames); the product counts frames that two groups share
        present = sparse.csr_matrix(
            (np.ones(len(local), np.int32), (local, frame))
        )
        pairs = sparse.triu(present @ present.T, k=1).tocoo()
        firsts.append(names[pairs.row].astype(np.int64))
        seconds.append(names[pairs.col].astype(np.int64))
    # pairs of all videos, each once: as numbers, which sort in their order
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    span = int(group.max(initial=0)) + 1
    return np.divmod(np.unique(first * span + second), span)
