"""Log whether the queries of a data set have matches, before a run."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from mmengine.logging import print_log

from mmcion.structures.matching import (
    explain_no_match,
    rows_of_same_identity,
    split_by_camera,
)

from .reid_image import JUNK, NO_CAMERA, ReIDImage

_OPTION = 'test_evaluator.camera_aware=False'  # counts all cameras


def report_matches(
    source: object,
    queries: Sequence[ReIDImage],
    gallery: Sequence[ReIDImage],
    unit: str = 'images',
    ignored_cams: Mapping[int, Collection[int]] | None = None,
) -> None:
    """Log how many queries have a match; warn and explain if none can have.

    Cameras do not count if no image has one, as for the metric. Junk queries
    do not count. There is one image of each tracklet; for ``ignored_cams`` see
    ``split_by_camera``.
    """
    # junk in the gallery matches none of the queries that are left
    queries = [query for query in queries if query.pid != JUNK]
    (q_pids, q_cams), (g_pids, g_cams) = (
        np.array([(i.pid, i.cam_id) for i in images], int).reshape(-1, 2).T
        for images in (queries, gallery)
    )
    same = matches = rows_of_same_identity(q_pids, g_pids)
    known = (q_cams != NO_CAMERA).any() or (g_cams != NO_CAMERA).any()
    if known:
        matches, _ = split_by_camera(same, q_cams, g_cams, ignored_cams)
    # queries that have any of these rows
    num_shared, num_matched = (
        np.count_nonzero(np.diff(rows.ptr)) for rows in (same, matches)
    )
    rule = 'from another camera' if ignored_cams is None else 'by its protocol'
    if not known:
        rule = 'from any camera, as none is known'
    elif num_shared > num_matched and ignored_cams is None:
        rule += f', {num_shared} from any camera ({_OPTION})'
    text = f'{len(gallery)} gallery {unit}, {len(queries)} queries, '
    text += f'{num_matched} with a valid match {rule}'
    print_log(f'{source}: {text}', 'current')
    # a protocol's rule holds; else only the metric knows whether matches of
    # a query's own camera count
    if num_matched or (num_shared and ignored_cams is None):
        return
    num_gallery = int((g_pids != JUNK).sum())
    reason = explain_no_match(len(queries), num_gallery, int(num_shared))
    text = f'{source}: no query has a match: {reason}'
    print_log(text, 'current', logging.WARNING)
