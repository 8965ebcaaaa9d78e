import numpy as np
import pytest

from mmcion.visualization import RankedQuery, ranked_list
from mmcion.visualization.palette import GREEN, GREY, INK, PANEL, RED, rgb
from mmcion.visualization.ranked_list import ranked_list_column

CELL = (40, 80)


def plain(value):
    return np.full((80, 40, 3), value, np.uint8)


def test_frames_tell_right_wrong_and_junk():
    query = RankedQuery(
        plain(200),
        [plain(10), plain(20), plain(30)],
        correct=[True, False, None],
        distances=[0.1, 0.2, 0.3],
    )
    picture = ranked_list([query], cell=CELL)
    for place, (color, value) in enumerate(
        zip((INK, GREEN, RED, GREY), (200, 10, 20, 30), strict=True)
    ):
        left, right = ranked_list_column(place, CELL)
        assert tuple(picture[45, left + 1]) == rgb(color)
        assert tuple(picture[45, right - 1]) == rgb(color)
        assert tuple(picture[45, (left + right) // 2]) == (value,) * 3
    assert (picture[-20:].min(axis=2) < 200).sum() > 40  # marks and distances


def test_rows_may_differ_in_length():
    long = RankedQuery(plain(0), [plain(0)] * 4, [True] * 4, heading='one')
    short = RankedQuery(plain(0), [plain(0)], [False])
    both = ranked_list([long, short], cell=CELL)
    alone = ranked_list([long], cell=CELL)
    assert both.shape[1] == alone.shape[1]
    assert both.shape[0] > alone.shape[0]


def test_lists_of_unequal_length_are_refused():
    query = RankedQuery(plain(0), [plain(0)] * 2, [True])
    with pytest.raises(ValueError, match=r'same length; got lengths \[1, 2\]'):
        ranked_list([query])


def test_without_the_truth_there_are_no_frames():
    query = RankedQuery(plain(200), [plain(10)], captions=['1:  0.9'])
    picture = ranked_list([query], cell=CELL)
    left, right = ranked_list_column(1, CELL)
    for x in (left + 1, right - 1):
        assert tuple(picture[45, x]) == rgb(PANEL)
    caption = picture[-20:, left:right]
    assert (caption.min(axis=2) < 200).sum() > 10
