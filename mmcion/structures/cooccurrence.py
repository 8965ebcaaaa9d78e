"""Who was seen together: two boxes in one frame are two people."""

import numpy as np
from scipy import sparse

from .tracklet_table import TrackletTable


def cooccurring_tracklets(
    table: TrackletTable,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs ``(m,), (m,)`` of tracklets that share a frame."""
    firsts, seconds = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start, stop in zip(
        table.video_ptr[:-1], table.video_ptr[1:], strict=True
    ):
        tracklet = table.tracklet_index[start:stop]
        if not len(tracklet):
            continue
        _, moment = np.unique(table.frame[start:stop], return_inverse=True)
        local = tracklet - tracklet[0]
        present = sparse.csr_matrix(
            (np.ones(len(local), np.int32), (local, moment))
        )
        pairs = sparse.triu(present @ present.T, k=1).tocoo()
        firsts.append(pairs.row.astype(np.int64) + int(tracklet[0]))
        seconds.append(pairs.col.astype(np.int64) + int(tracklet[0]))
    return np.concatenate(firsts), np.concatenate(seconds)
