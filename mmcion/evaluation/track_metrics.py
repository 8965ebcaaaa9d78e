"""IDF1 and HOTA: identities evaluated as the tracks of a tracker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmcion.structures import TrackletTable
from mmcion.utils.checks import check_same_length, optional_import

from .ground_truth import (
    GroundTruth,
    box_iou,
    rows_by_frame,
    truth_by_recording,
)

# a frame: true identities (A,), found ones (B,), overlap of boxes (A, B)
_Frame = tuple[np.ndarray, np.ndarray, np.ndarray]
Scores = dict[str, float]


def track_metrics(
    table: TrackletTable,
    identity: np.ndarray,
    truth: GroundTruth | Mapping[str, GroundTruth],
) -> dict[str, Scores]:
    """Evaluate identities as tracks, by TrackEval.

    - Unassigned images are missed detections.
    - An identity has one track over all videos, and so has a true identity:
      for the scores of all videos, these follow each other on one time axis.
    - Of several boxes of an identity in one frame the first of the table is
      the track's, and the others are tracks of their own (ours): nobody is at
      two places.
    - Where crops were taken of every n-th frame, the others do not count.
      Which they are is read off the frames of the table (ours).
    - True boxes of a recording that was cut into clips belong to the last
      clip that began before them, or to the first (ours).

    Args:
        table: N images with boxes.
        identity: ``(N,)`` identity of each, -1 where it is unassigned.
        truth: See ``match_truth``. Videos without truth are ignored.

    Returns:
        Scores of ``'all videos'``, then of every video by name: ``IDF1``,
        ``IDP`` and ``IDR`` (Ristani et al., 2016; overlap of at least 0.5)
        and ``HOTA``, ``DetA`` and ``AssA`` (Luiten et al., 2021; means over
        overlaps from 0.05 to 0.95).

    Raises:
        MissingPackageError: If TrackEval is not installed.
        UserError: If the table has no boxes, or the truth is of other
            recordings.
    """
    check_same_length(table=table, identity=identity)
    truth = truth_by_recording(table, truth)
    assert table.box is not None
    frames: dict[str, list[_Frame]] = {}
    for source, one in truth.items():
        videos, clip = _true_clips(table, source, one)
        for video in videos:
            here = np.arange(*table.video_ptr[video : video + 2])
            here = here[identity[here] >= 0]
            true = np.flatnonzero(clip == video)
            frames[table.videos[video]] = [
                (
                    one.pid[true[i]],
                    identity[here[j]],
                    box_iou(
                        np.asarray(one.box[true[i]], float),
                        np.asarray(table.box[here[j]], float),
                    ),
                )
                for i, j in rows_by_frame(one.frame[true], table.frame[here])
            ]
    together = [frame for each in frames.values() for frame in each]
    scores = {'all videos': _scores(together)}
    return scores | {name: _scores(each) for name, each in frames.items()}


def _true_clips(
    table: TrackletTable, source: str, truth: GroundTruth
) -> tuple[list[int], np.ndarray]:
    """Return the videos of a recording, and the one of every true box.

    ``(M,)``, -1 where the frame of the box was not sampled.
    """
    videos = [v for v, name in enumerate(table.sources) if name == source]
    frames = {
        v: table.frame[slice(*table.video_ptr[v : v + 2])] for v in videos
    }
    # of a recording without images, all is missed in its first video
    used = [v for v in videos if len(frames[v])]
    if not used:
        return videos[:1], np.full(len(truth.frame), videos[0])
    used.sort(key=lambda v: frames[v].min())
    begins = [frames[v].min() for v in used]
    clip = np.searchsorted(begins, truth.frame, 'right') - 1
    clip = np.array(used)[np.maximum(clip, 0)]  # (M,)
    # the step is 0 where there is one frame only: then every frame counts
    every = np.concatenate([frames[v] for v in used])
    step = max(int(np.gcd.reduce(every - begins[0])), 1)
    clip[(truth.frame - begins[0]) % step != 0] = -1
    return used, clip


def _scores(frames: Sequence[_Frame]) -> Scores:
    """Return the scores of frames that follow each other."""
    with optional_import('track_metrics', 'pip install trackeval'):
        from trackeval.metrics import HOTA, Identity
    found = [identity for _, identity, _ in frames]
    # a second box of an identity in its frame gets an id that no other has
    spare = max((int(ids.max(initial=-1)) for ids in found), default=-1) + 1
    for t, ids in enumerate(found):
        again = np.ones(len(ids), bool)
        again[np.unique(ids, return_index=True)[1]] = False
        if count := int(again.sum()):
            found[t] = ids = ids.astype(np.int64)
            ids[again] = np.arange(spare, spare + count)
            spare += count
    true_ids, num_true = _renumber([true for true, _, _ in frames])
    found_ids, num_found = _renumber(found)
    data: dict[str, Any] = {
        'num_timesteps': len(frames),
        'num_gt_ids': num_true,
        'num_tracker_ids': num_found,
        'num_gt_dets': sum(map(len, true_ids)),
        'num_tracker_dets': sum(map(len, found_ids)),
        'gt_ids': true_ids,
        'tracker_ids': found_ids,
        'similarity_scores': [overlap for _, _, overlap in frames],
    }
    result = {
        **Identity({'PRINT_CONFIG': False}).eval_sequence(data),
        **HOTA().eval_sequence(data),
    }
    names = ('IDF1', 'IDP', 'IDR', 'HOTA', 'DetA', 'AssA')
    # HOTA and its parts are (19,), one per overlap
    return {name: float(np.mean(result[name])) for name in names}


def _renumber(ids: list[np.ndarray]) -> tuple[list[np.ndarray], int]:
    """Replace ids by 0, 1, 2, ...; return them and their number."""
    if not ids:
        return [], 0
    known, inverse = np.unique(np.concatenate(ids), return_inverse=True)
    return np.split(inverse, np.cumsum([len(i) for i in ids])[:-1]), len(known)
