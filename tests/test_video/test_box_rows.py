from pathlib import Path

import numpy as np
import pytest

from mmcion.utils.checks import UserError
from mmcion.utils.skip_report import SkipReport
from mmcion.video.box_rows import NO_ID, TINY, TWICE, check_rows, kept_rows

PATH = Path('S', 'gt', 'gt.txt')
GOOD = [3.0, 7, -5, 2, 30, 40, 1, -1]


def check(*rows, first_frame=1):
    check_rows(PATH, np.array(rows), lambda row: f'line {row}', first_frame)


@pytest.mark.parametrize(
    ('column', 'value', 'message'),
    [
        (0, 2.5, r'line 1: frame 2\.5 .*whole'),
        (0, 0, r'line 1: frame 0 is below 1.*first_frame=0, .*add 1 '),
        (0, -3, r'line 1: frame -3 .*first_frame=-3, .*add 4 '),
        (0, 1e300, r'line 1: frame 1e\+300 .*whole'),
        (1, 1.5, r'line 1: id 1\.5 .*whole'),
        (1, 2.0**53, r'line 1: id 9007199254740992 .*whole'),
        (0, np.nan, 'line 1: frame nan .*whole'),
        (1, np.inf, 'line 1: id inf .*whole'),
        (2, np.nan, 'line 1: x nan is not finite'),
        (5, np.inf, 'line 1: h inf is not finite'),
        (7, np.nan, 'line 1: column 8 nan is not finite'),
    ],
)
def test_wrong_numbers_are_named(column, value, message):
    check(GOOD, GOOD)
    wrong = [*GOOD]
    wrong[column] = value
    with pytest.raises(UserError, match=message):
        check(GOOD, wrong)


def test_frames_may_count_from_elsewhere():
    check([0, *GOOD[1:]], first_frame=0)
    with pytest.raises(UserError, match='frame 3 is below 100'):
        check(GOOD, first_frame=100)


def test_boxes_in_fractions_are_refused():
    small = [1.0, 1, 0.2, 0.3, 0.1, 1.0]
    with pytest.raises(UserError, match='pixels'):
        check(small, small)
    check(small, GOOD[:6])  # a single box below a pixel is left out


def test_each_row_is_left_out_once_with_its_first_reason():
    rows = np.array(
        [
            [1.0, 5, 0, 0, 9, 9],
            [1, 5, 4, 0, 0.5, 9],  # too small as well as repeated
            [1, 5, 7, 0, 9, 9],
            [1, -1, 0, 0, 9, 9],
            [2, 5, 0, 0, 9, 9],
            [2, 6, 0, 0, 9, 9],
        ]
    )
    report = SkipReport('')
    rules = [('by a rule', rows[:, 1] == 6)]
    kept = kept_rows(PATH, rows, report, rules, tracked=True)
    assert kept.tolist() == [True, False, False, False, True, False]
    assert report.counts == {'by a rule': 1, TINY: 1, NO_ID: 1, TWICE: 1}
    assert report.examples[TWICE] == ['S frame 1 id 5']


@pytest.mark.parametrize('seed', range(5))
def test_repeated_rows_as_by_a_set(seed):
    rng = np.random.default_rng(seed)
    rows = rng.integers(1, 4, (60, 6)).astype(float)
    rows[:, 1] -= 2  # ids -1, 0 and 1
    kept = kept_rows(PATH, rows, None)
    seen = set()
    for row, is_kept in zip(rows.tolist(), kept, strict=True):
        key = tuple(row if row[1] < 0 else row[:2])
        assert is_kept == (key not in seen)
        seen.add(key)


def test_no_rows():
    assert len(kept_rows(PATH, np.empty((0, 7)), SkipReport(''))) == 0
    check_rows(PATH, np.empty((0, 7)), str, 1)
