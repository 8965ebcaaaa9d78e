import numpy as np
import pytest

from mmcion.evaluation import calibrate_threshold, nearest_gallery

RATES = (1e-3, 1e-2, 0.1, 0.5)


def make_case(seed, dim):
    """Features of ten people; some images are there twice or three times."""
    rng = np.random.default_rng(seed)
    centers = np.abs(rng.standard_normal((10, dim)))
    q_pids, g_pids = rng.integers(-1, 10, 25), rng.integers(-1, 12, 40)
    qf = centers[q_pids] + rng.standard_normal((25, dim))
    gf = centers[g_pids % 10] + rng.standard_normal((40, dim))
    gf[30:] = gf[rng.integers(0, 30, 10)]  # of the same and of others
    gf[25:30] = qf[:5] * 3
    cams = rng.integers(3, size=25), rng.integers(3, size=40)
    return qf.astype(np.float32), gf.astype(np.float32), q_pids, g_pids, *cams


def compared(qf, gf):
    """Cosines of all pairs, each by itself, as ReIDInferencer.compare."""
    return np.array(
        [
            [1 - nearest_gallery(q[None], g[None], 1)[1][0, 0] for g in gf]
            for q in qf
        ]
    )


def which_pairs(q_pids, g_pids, q_cams, g_cams):
    """Return masks of the matching and of the wrong pairs."""
    same = q_pids[:, None] == g_pids
    counts = (q_pids[:, None] != -1) & (g_pids != -1)
    other_camera = q_cams[:, None] != g_cams
    return counts & same & other_camera, counts & ~same


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('dim', [3, 2048])
def test_rate_holds_where_every_pair_is_compared(seed, dim):
    case = make_case(seed, dim)
    cosines = compared(*case[:2])
    matching, wrong = which_pairs(*case[2:])
    calibrate_threshold(*case, false_match_rate=RATES[-1])
    for rate in RATES:
        try:
            found = calibrate_threshold(*case, false_match_rate=rate)
        except ValueError as error:  # too many wrong pairs are equal
            assert 'no matching pair' in str(error)
            nearest = np.sort(cosines[wrong])[::-1][int(rate * wrong.sum())]
            assert nearest > cosines[matching].max() - 1e-5
            continue
        accepted = cosines >= found.similarity
        assert (found.num_matches, found.num_wrong) == (
            matching.sum(),
            wrong.sum(),
        )
        assert accepted[wrong].mean() <= rate
        assert accepted[wrong].sum() == found.num_false_matches
        assert accepted[matching].mean() == pytest.approx(
            found.true_match_rate
        )
        # a little lower, and more wrong pairs are accepted than allowed
        lower = cosines >= found.similarity - 5e-6
        assert lower[wrong].mean() > rate


def test_threshold_by_hand():
    # cosines with the query: 1, 0.8, 0.6, 0 wrong; 0.96 and 0.6 match
    gf = [[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1], [0.96, 0.28], [0.6, 0.8]]
    args = ([[1, 0]], gf, [7], [1, 2, 3, 4, 7, 7])
    found = calibrate_threshold(*args, false_match_rate=0.25)
    assert found.similarity == pytest.approx(0.8 + 2e-6, abs=2e-7)
    assert found.true_match_rate == 0.5
    assert (found.num_false_matches, found.num_wrong) == (1, 4)
    found = calibrate_threshold(*args, false_match_rate=0.74)
    assert found.similarity == pytest.approx(0.6 + 2e-6, abs=2e-7)
    assert (found.true_match_rate, found.num_false_matches) == (0.5, 2)
    found = calibrate_threshold(*args, false_match_rate=0.75)
    assert found.similarity == pytest.approx(2e-6, abs=2e-7)
    assert (found.true_match_rate, found.num_false_matches) == (1, 3)


def test_ties_at_the_limit_are_all_rejected():
    gf = [[1, 0], *[[0.8, 0.6]] * 4, [0, 1], [0.96, 0.28]]
    pids = [1, 2, 3, 4, 5, 6, 7]
    found = calibrate_threshold([[1, 0]], gf, [7], pids, false_match_rate=0.5)
    assert found.similarity > 0.8
    assert found.num_false_matches == 1


def test_matches_far_above_do_not_raise_the_threshold():
    gf = np.eye(4)[[0, 0, 1, 2, 3]] + 0.01
    found = calibrate_threshold(
        np.eye(4)[:1], gf, [0], [0, 0, 1, 2, 3], false_match_rate=0.1
    )
    assert found.true_match_rate == 1
    assert found.similarity < 0.02


def test_blocks_of_queries_do_not_matter(monkeypatch):
    from mmcion.evaluation.functional import threshold

    case = make_case(0, 8)
    whole = calibrate_threshold(*case, false_match_rate=0.05)
    chunks = threshold.distance_chunks
    monkeypatch.setattr(
        threshold,
        'distance_chunks',
        lambda *args: chunks(*args, chunk_size=3),
    )
    parts = calibrate_threshold(*case, false_match_rate=0.05)
    assert parts.similarity == pytest.approx(whole.similarity, abs=2e-7)
    assert parts.num_false_matches == whole.num_false_matches
    assert parts.true_match_rate == whole.true_match_rate


def test_few_wrong_pairs_are_warned_of():
    case = np.eye(16)[:15], np.eye(16) + 0.1, range(15), range(16)
    found = calibrate_threshold(*case, false_match_rate=0.05)
    assert found.num_wrong == 225 >= found.num_needed == 200
    assert found.warning == ''
    found = calibrate_threshold(*case, false_match_rate=1e-3)
    assert found.num_needed == 10_000
    assert 'expects 0.23 false matches among 225 wrong' in found.warning
    assert 'at least 10000 wrong pairs, or ask for a rate of' in found.warning
    few = calibrate_threshold(
        np.eye(2)[:1], np.eye(2), [1], [1, 2], false_match_rate=0.5
    )
    assert few.warning.endswith('at least 20 wrong pairs.')


def test_without_cameras_all_images_of_a_person_match():
    args = (np.eye(2)[:1], np.eye(2)[[0, 1]], [1], [1, 2])
    found = calibrate_threshold(*args, false_match_rate=0.1)
    assert found.num_matches == 1
    with pytest.raises(ValueError, match=r'no pair matches: 1 identities are'):
        calibrate_threshold(*args, [0], [0, 0], false_match_rate=0.1)


@pytest.mark.parametrize(
    ('pids', 'rate', 'message'),
    [
        ([1, 1], 0.1, 'no pair of query and gallery shows two people'),
        ([2, 3], 0.1, 'no pair matches: none of the 1 query identities'),
        (
            [2, 1],
            0.1,
            r'no matching pair is accepted .*of 0.1: more than 0 of',
        ),
        ([1, 2], 0, 'must be above 0 and below 1, such as 0.001; got 0'),
        ([1, 2], 1, 'got 1'),
    ],
)
def test_mistakes(pids, rate, message):
    with pytest.raises(ValueError, match=message):
        calibrate_threshold(
            np.eye(2)[:1], np.eye(2), [1], pids, false_match_rate=rate
        )


def test_rate_just_below_1_accepts_all_but_one_wrong_pair():
    gf = np.array([[1, 0], [0.6, 0.8], [0, 1]])
    found = calibrate_threshold(
        gf[:1], gf, [1], [1, 2, 3], false_match_rate=np.nextafter(1, 0)
    )
    assert found.num_false_matches == 1
