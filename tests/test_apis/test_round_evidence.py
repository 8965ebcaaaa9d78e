import numpy as np
import pytest

from mmcion.apis.round_evidence import Evidence, decide_round, link_changes
from mmcion.structures import IdentityLabels, TrackletTable


def check(cut, rejoined, wrong):
    return {
        'cut_tracklets': cut,
        'rejoined': rejoined,
        'wrongly_joined': wrong,
        'recall': rejoined / cut if cut else None,
        'precision': rejoined / (rejoined + wrong) if cut else None,
    }


@pytest.mark.parametrize(
    ('before', 'now', 'changes', 'counts', 'why'),
    [
        # three identities lost one each: 3 > 1.64 * sqrt(3)
        ((38, None), (35, None), [-1] * 3, False, 'fell from 38 to 35'),
        ((38, None), (36, None), [-1] * 2, True, '38 → 36'),
        # one that broke apart is chance
        ((38, None), (33, None), [-5], True, '38 → 33'),
        # and gains make up for losses: 3 < 1.64 * sqrt(5)
        ((38, None), (35, None), [-1] * 4 + [1], True, '38 → 35'),
        ((38, None), (44, None), [6], True, '38 → 44, there is no self'),
        # of many, 1 % does not matter
        ((10_000, None), (9_901, None), [-1] * 99, True, '10,000 → 9,901'),
        ((10_000, None), (9_899, None), [-1] * 101, False, 'to 9,899'),
        # without links nothing is known between videos
        ((2, None), (0, None), [], False, 'link nobody'),
        ((0, None), (0, None), [], False, 'link nobody'),
        ((0, None), (3, None), [], True, '0 → 3'),
        (
            (0, check(99, 90, 0)),
            (0, check(99, 99, 0)),
            [],
            False,
            'link nobody',
        ),
        # self-check: 1.64 * sqrt(2 * 0.855 * 0.145 / 100) is 0.082
        (
            (None, check(100, 90, 0)),
            (None, check(100, 83, 0)),
            [],
            True,
            '0.83',
        ),
        (
            (None, check(100, 90, 0)),
            (None, check(100, 81, 0)),
            [],
            False,
            '0.81',
        ),
        # ten times as many tracklets show a smaller drop
        (
            (None, check(1000, 900, 0)),
            (None, check(1000, 860, 0)),
            [],
            False,
            'recall of the self-check fell from 0.900 to 0.860',
        ),
        # and of a million, the tolerance is what is left
        (
            (None, check(10**6, 900_000, 0)),
            (None, check(10**6, 891_000, 0)),
            [],
            True,
            '0.891',
        ),
        (
            (None, check(10**6, 900_000, 0)),
            (None, check(10**6, 889_000, 0)),
            [],
            False,
            '0.889',
        ),
        (
            (20, check(1000, 900, 0)),
            (30, check(1000, 950, 50)),
            [],
            False,
            'precision of the self-check fell from 1.000 to 0.950',
        ),
        (
            (20, check(50, 40, 1)),
            (20, check(50, 41, 1)),
            [],
            True,
            'precision',
        ),
        # what one of the two does not have is no evidence
        ((20, check(100, 99, 0)), (20, None), [], True, 'no self-check'),
        (
            (None, check(0, 0, 0)),
            (None, check(0, 0, 0)),
            [],
            True,
            'no evidence',
        ),
        ((None, None), (20, None), [], True, 'no evidence'),
        ((None, None), (None, None), [], True, 'no evidence'),
    ],
)
def test_table_of_decisions(before, now, changes, counts, why):
    first, second = (Evidence(8, *each) for each in (before, now))
    decided = decide_round(first, second, changes)
    assert decided[0] == counts and why in decided[1]
    # a round is as good as itself, unless it linked nobody
    assert decide_round(first, first)[0] == (before[0] != 0)


def test_first_round_counts_with_a_warning_if_nobody_is_linked():
    assert decide_round(None, Evidence(8, 3)) == (True, 'it is the first')
    counts, why = decide_round(None, Evidence(8, 0))
    assert counts and 'nobody is linked' in why


def test_a_round_without_identities_does_not_count():
    counts, why = decide_round(Evidence(8, 3), Evidence(1, 9))
    assert not counts and '1 identity' in why


def test_tolerance_is_an_option():
    rounds = Evidence(8, 100), Evidence(8, 96)
    assert not decide_round(*rounds, [-1] * 4)[0]
    assert decide_round(*rounds, [-1] * 4, tolerance=0.05)[0]


def test_links_are_videos_beyond_the_first():
    table = TrackletTable.from_columns(
        video_id=[0, 0, 0, 1, 1, 2],
        tracklet_id=[0, 1, 2, 0, 1, 0],
        frame=[0, 0, 1, 0, 0, 0],
        videos=['a', 'b', 'c'],
    )
    # 0 is in three videos, 1 twice in the first and in another, 2 dropped
    labels = IdentityLabels(np.array([0, 1, 1, 0, 1, 0], np.int32))
    report = {'levels': [{}, {'links': 5}], 'self_check': {'recall': 1.0}}
    evidence = Evidence.from_labels(table, labels, report)
    assert evidence == Evidence(2, 3, {'recall': 1.0})
    no_level = Evidence.from_labels(table, labels, {'levels': [{}]})
    assert no_level == Evidence(2)
    exported = {**report, 'export': {'identities': 1}}
    assert Evidence.from_labels(table, labels, exported).identities == 1


def test_changes_of_links_by_hand():
    table = TrackletTable.from_columns(
        video_id=[0, 0, 0, 0, 1, 1, 1, 2, 2],
        tracklet_id=[0, 1, 2, 3, 0, 1, 2, 0, 1],
        frame=[0] * 9,
        videos=['a', 'b', 'c'],
    )
    first = IdentityLabels(np.array([0, 1, 2, 3, 0, 1, -1, 0, 1], np.int32))
    second = IdentityLabels(np.array([0, 1, 2, 3, 5, 1, 2, 5, -1], np.int32))
    # 0 fell apart, of which two are still together; 1 lost its third image;
    # 2 gained one
    assert sorted(link_changes(table, first, second)) == [-1, -1, 1]
    assert not len(link_changes(table, first, first))


@pytest.mark.parametrize('seed', range(5))
def test_changes_of_links_add_up(seed):
    rng = np.random.default_rng(seed)
    table = TrackletTable.from_columns(
        video_id=np.repeat(np.arange(4), 15),
        tracklet_id=np.tile(np.arange(15), 4),
        frame=np.zeros(60, np.int64),
        videos=list('abcd'),
    )
    report = {'levels': [{'links': 1}]}
    first, second = (
        IdentityLabels(rng.integers(-1, 20, 60).astype(np.int32))
        for _ in range(2)
    )
    before, now = (
        Evidence.from_labels(table, labels, report).links
        for labels in (first, second)
    )
    changes = link_changes(table, first, second)
    assert changes.sum() == now - before
    back = link_changes(table, second, first)
    assert sorted(back) == sorted(-changes)
