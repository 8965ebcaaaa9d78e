"""Two tracklets of one person may share a few frames."""

import numpy as np
import pytest

from mmcion.denoising import CrossVideoDenoiser, SingleVideoDenoiser
from mmcion.denoising.functional import one_box_per_frame
from mmcion.structures import IdentityLabels, TrackletTable

from .planted import angles, doubled_in_a_frame, plant, store


def two_tracklets(shared):
    """Return two tracklets of one look that share the last frames."""
    table = TrackletTable.from_columns(
        video_id=[0] * 10,
        tracklet_id=[0] * 5 + [1] * 5,
        frame=[*range(5), *range(5 - shared, 10 - shared)],
    )
    # the second tracklet's look is one degree away
    features = store(angles(*[0] * 5, *[1] * 5))
    return table, features, IdentityLabels.from_tracklets(table)


@pytest.mark.parametrize('shared', range(5))
@pytest.mark.parametrize('min_shared_frames', [1, 2, 4])
def test_few_shared_frames_do_not_keep_apart(shared, min_shared_frames):
    table, features, labels = two_tracklets(shared)
    level = SingleVideoDenoiser(0.1, 0.1, min_shared_frames=min_shared_frames)
    found = level(table, features, labels)
    joined = shared < min_shared_frames
    assert found.num_identities == (1 if joined else 2)
    # one box of each shared frame goes
    assert (~found.keep).sum() == (shared if joined else 0)
    assert not doubled_in_a_frame(table, found.identity)
    if min_shared_frames > 1:
        assert found.report['doubled_images'] == (~found.keep).sum()


def test_links_through_identities_with_few_shared_frames():
    # a person of video 0 is linked with two tracklets of video 1 that share
    # one frame
    table = TrackletTable.from_columns(
        video_id=[0] * 3 + [1] * 6,
        tracklet_id=[0] * 3 + [0] * 3 + [1] * 3,
        frame=[0, 1, 2, 0, 1, 2, 2, 3, 4],
    )
    features = store(angles(*[0] * 3, *[1] * 3, *[2] * 3))
    labels = IdentityLabels.from_tracklets(table)
    settings = {'delta': 0.1, 'max_spread': 0.5, 'sigma': 0.5}
    strict = CrossVideoDenoiser(**settings)(table, features, labels)
    assert strict.num_identities == 2
    level = CrossVideoDenoiser(**settings, min_shared_frames=2)
    found = level(table, features, labels)
    assert found.num_identities == 1
    assert found.report['doubled_images'] == 1
    # the row of 2 degrees is farther from the centroid of all, at 1 degree
    assert found.identity.tolist() == [0, 0, 0, 0, 0, 0, -1, 0, 0] or (
        (~found.keep).sum() == 1
    )
    assert not doubled_in_a_frame(table, found.identity)


def test_the_nearest_row_decides_which_tracklet_has_a_frame():
    feats = angles(0, 0, 20, 0, 30, 0)
    frame = np.array([5, 7, 7, 8, 8, 8])
    tracklet = np.array([0, 0, 1, 1, 2, 1])
    keep = one_box_per_frame(feats, frame, tracklet)
    # two boxes that one tracklet has in a frame stay together
    assert keep.tolist() == [True, True, False, True, False, True]


@pytest.mark.parametrize('seed', range(5))
def test_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    feats = angles(*rng.uniform(0, 90, 40))
    frame, tracklet = rng.integers(0, 12, 40), rng.integers(0, 4, 40)
    centroid = feats.sum(0) / np.linalg.norm(feats.sum(0))
    expected = np.zeros(40, bool)
    for moment in np.unique(frame):
        rows = np.flatnonzero(frame == moment)
        nearest = rows[np.argmax(feats[rows] @ centroid)]
        expected[rows] = tracklet[rows] == tracklet[nearest]
    found = one_box_per_frame(feats, frame, tracklet)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize('min_shared_frames', [2, 5])
def test_no_identity_is_twice_in_a_frame(min_shared_frames):
    case = plant(3, foreign=0.2)
    labels = IdentityLabels.from_tracklets(case.table)
    for level in (
        SingleVideoDenoiser(0.6, 0.6, min_shared_frames=min_shared_frames),
        CrossVideoDenoiser(0.6, 0.8, 0.7, min_shared_frames=min_shared_frames),
    ):
        labels = level(case.table, case.features, labels)
        assert not doubled_in_a_frame(case.table, labels.identity)
