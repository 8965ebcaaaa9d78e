import numpy as np
import pytest

from mmcion.structures import GalleryMatching


def brute_force(q_pid, q_cam, g_pids, g_cams, ignored_cams):
    """Return matches and ignored rows by the definition."""
    cams = {q_cam} if ignored_cams is None else ignored_cams.get(q_cam, set())
    same = [row for row, pid in enumerate(g_pids) if pid == q_pid]
    ignored = [row for row in same if g_cams[row] in cams]
    return [row for row in same if row not in ignored], ignored


@pytest.mark.parametrize('ignored_cams', [None, {3: {2}}, {0: {0, 1}, 1: {3}}])
@pytest.mark.parametrize('text', [False, True])
def test_equals_the_definition(ignored_cams, text):
    rng = np.random.default_rng(0)
    q_pids, g_pids = rng.integers(-1, 9, 30), rng.integers(-1, 7, 80)
    q_cams, g_cams = rng.integers(0, 4, 30), rng.integers(0, 4, 80)
    if text:
        q_pids, g_pids = q_pids.astype(str), g_pids.astype(str)

    matching = GalleryMatching(
        q_pids, g_pids, q_cams, g_cams, ignored_cams=ignored_cams
    )

    for query in range(30):
        expected = brute_force(
            q_pids[query], q_cams[query], g_pids, g_cams, ignored_cams
        )
        matches, ignored = matching.split(query)
        assert (matches.tolist(), ignored.tolist()) == expected
        assert matching.num_matches()[query] == len(expected[0])
        assert matching.num_same_identity()[query] == sum(map(len, expected))


def test_without_cameras_all_images_of_the_identity_match():
    matching = GalleryMatching(np.array([5, 6]), np.array([5, 7, 5]))
    matches, ignored = matching.split(0)
    assert matches.tolist() == [0, 2] and not len(ignored)
    assert matching.num_matches().tolist() == [2, 0]


def test_empty_gallery_and_no_query():
    none = np.zeros(0, int)
    assert GalleryMatching(np.array([1]), none).num_matches().tolist() == [0]
    assert GalleryMatching(none, none, none, none).num_matches().shape == (0,)
