"""Identities as the tracks of MOTChallenge text."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.utils.checks import UserError
from mmcion.utils.checksums import write_checksums
from mmcion.utils.io import atomic_folder
from mmcion.utils.paths import safe_name

_REST = ',-1,-1,-1\n'  # world coordinates, which are not known


def export_tracks(
    table: TrackletTable, labels: IdentityLabels, folder: str | Path
) -> int:
    """Write ``<video>.txt`` for every video, with identities as track ids.

    A line is ``frame,id,x,y,w,h,score,-1,-1,-1``, sorted by frame and id.
    Frames are those of the recording, also where it was cut into clips, and
    count from 1, as in MOTChallenge. The id is the identity + 1, the same in
    all videos. An unknown score is 1. A track has one box in a frame: of
    several boxes of an identity the one of highest score is written, of equal
    ones the first of the table. Boxes are rounded to 4 decimals, scores to 6.

    Args:
        table: N images with boxes.
        labels: Their identities; unassigned images are not written.
        folder: Replaced as a whole if it exists. Files are named after the
            videos, see ``safe_name``.

    Returns:
        Number of boxes that were left out because their identity has a better
        one in the same frame.

    Raises:
        UserError: If the table has no boxes.
    """
    if table.box is None:
        raise UserError('tracks need a table with boxes.')
    left_out, names = 0, []
    with atomic_folder(folder) as temporary:
        for video, (start, stop) in zip(
            table.videos, pairwise(table.video_ptr.tolist()), strict=True
        ):
            rows = start + np.flatnonzero(labels.keep[start:stop])
            score = (
                np.ones(len(rows), np.float32)
                if table.score is None
                else table.score[rows]
            )
            frame, identity = table.frame[rows], labels.identity[rows]
            # sorted by frame and identity, the best box of each first
            order = np.lexsort((-score, identity, frame))
            key = np.stack((frame[order], identity[order]))  # (2, n)
            first = np.ones(len(order), bool)
            first[1:] = (np.diff(key) != 0).any(axis=0)
            left_out += int((~first).sum())
            chosen = order[first]
            box = table.box[rows[chosen]].astype(float).round(4)
            columns = (
                (frame[chosen] + 1).tolist(),
                (identity[chosen] + 1).tolist(),
                *box.T.tolist(),
                score[chosen].astype(float).round(6).tolist(),
            )
            lines = [
                ','.join(map(str, line)) + _REST
                for line in zip(*columns, strict=True)
            ]
            names.append(f'{safe_name(video)}.txt')
            (temporary / names[-1]).write_text(''.join(lines))
        write_checksums(temporary, names)
    return left_out
