"""Who was seen together: two boxes in one frame are two people."""

import numpy as np
from scipy import sparse

from .tracklet_table import TrackletTable


def cooccurring_pairs(
    table: TrackletTable, group: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of groups that share a frame of a video.

    Args:
        table: the images.
        group: ``(N,)`` integers >= 0, such as ``table.tracklet_index`` or
            identities; rows with -1 are left out.

    Returns:
        First and second group (larger), each ``(m,)``, sorted.
    """
    firsts, seconds = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start, stop in zip(
        table.video_ptr[:-1], table.video_ptr[1:], strict=True
    ):
        here = group[start:stop]
        used = here >= 0
        if not used.any():
            continue
        names, local = np.unique(here[used], return_inverse=True)
        _, moment = np.unique(
            table.frame[start:stop][used], return_inverse=True
        )
        present = sparse.csr_matrix(
            (np.ones(len(local), np.int32), (local, moment))
        )
        pairs = sparse.triu(present @ present.T, k=1).tocoo()
        firsts.append(names[pairs.row].astype(np.int64))
        seconds.append(names[pairs.col].astype(np.int64))
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    span = int(group.max(initial=0)) + 1
    return np.divmod(np.unique(first * span + second), span)
