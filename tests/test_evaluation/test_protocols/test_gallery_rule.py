import numpy as np

from mmcion.evaluation.protocols import GalleryRule, Labels


def test_split_by_identity_and_camera():
    labels = Labels.of(
        q_pids=[7, -1, 9],
        g_pids=[7, 0, 7, -1, 7, 9],
        q_cams=[1, 1, 2],
        g_cams=[1, 1, 2, 2, 1, 2],
        num_queries=3,
        num_gallery=6,
    )
    rule = GalleryRule(labels)
    assert rule.query_rows.tolist() == [0, 2]
    assert rule.ignored.tolist() == [3]
    matches, left_out = rule.split(0)
    assert (matches.tolist(), left_out.tolist()) == ([2], [0, 4])
    matches, left_out = rule.split(2)
    assert (matches.tolist(), left_out.tolist()) == ([], [5])


def test_without_cameras_nothing_is_left_out():
    labels = Labels.of(
        ['a', 'b'], np.array(['b', 'a', 'a']), num_queries=2, num_gallery=3
    )
    matches, left_out = GalleryRule(labels).split(0)
    assert (matches.tolist(), left_out.tolist()) == ([1, 2], [])
