import numpy as np
import pytest

from mmcion.apis.round_evidence import Evidence, decide_round
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
    ('before', 'now', 'counts', 'why'),
    [
        # links as Poisson counts: 1.64 * sqrt(38 + 25) is 13.02
        ((38, None), (44, None), True, '38 → 44, there is no self-check'),
        ((38, None), (25, None), True, '38 → 25'),
        ((38, None), (24, None), False, 'fell from 38 to 24'),
        ((16, None), (9, None), True, '16 → 9'),
        # of many, 1 % does not matter, and chance matters less
        ((1_000_000, None), (990_001, None), True, '1,000,000 → 990,001'),
        ((1_000_000, None), (989_999, None), False, 'to 989,999'),
        # without links nothing is known between videos
        ((2, None), (0, None), False, 'link nobody'),
        ((0, None), (0, None), False, 'link nobody'),
        ((0, None), (3, None), True, '0 → 3'),
        ((0, check(99, 90, 0)), (0, check(99, 99, 0)), False, 'link nobody'),
        # self-check: 1.64 * sqrt(2 * 0.855 * 0.145 / 100) is 0.082
        ((None, check(100, 90, 0)), (None, check(100, 83, 0)), True, '0.83'),
        ((None, check(100, 90, 0)), (None, check(100, 81, 0)), False, '0.81'),
        # ten times as many tracklets show a smaller drop
        (
            (None, check(1000, 900, 0)),
            (None, check(1000, 860, 0)),
            False,
            'recall of the self-check fell from 0.900 to 0.860',
        ),
        # and of a million, the tolerance is what is left
        (
            (None, check(10**6, 900_000, 0)),
            (None, check(10**6, 891_000, 0)),
            True,
            '0.891',
        ),
        (
            (None, check(10**6, 900_000, 0)),
            (None, check(10**6, 889_000, 0)),
            False,
            '0.889',
        ),
        (
            (20, check(1000, 900, 0)),
            (30, check(1000, 950, 50)),
            False,
            'precision of the self-check fell from 1.000 to 0.950',
        ),
        ((20, check(50, 40, 1)), (20, check(50, 41, 1)), True, 'precision'),
        # what one of the two does not have is no evidence
        ((20, check(100, 99, 0)), (20, None), True, 'no self-check'),
        ((None, check(0, 0, 0)), (None, check(0, 0, 0)), True, 'no evidence'),
        ((None, None), (20, None), True, 'no evidence'),
        ((None, None), (None, None), True, 'no evidence'),
    ],
)
def test_table_of_decisions(before, now, counts, why):
    first, second = (Evidence(8, *each) for each in (before, now))
    decided = decide_round(first, second)
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
    first, second = Evidence(8, 10**6), Evidence(8, 960_000)
    assert not decide_round(first, second)[0]
    assert decide_round(first, second, tolerance=0.05)[0]


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
