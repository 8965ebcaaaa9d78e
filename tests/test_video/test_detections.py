import numpy as np
import pytest

from mmcion.utils.checks import UserError
from mmcion.video import Detections


def test_rows_are_taken_together():
    people = Detections(
        np.arange(12).reshape(3, 4), [0.1, 0.2, 0.3], [7, 8, 9]
    )

    part = people[people.scores > 0.15]

    assert part.boxes.tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert part.ids.tolist() == [8, 9]
    assert len(part) == 2


def test_nobody():
    assert len(Detections.empty()) == 0
    assert Detections.empty().boxes.shape == (0, 4)


def test_detections_check_lengths():
    with pytest.raises(UserError, match='boxes 2, scores 3'):
        Detections(np.zeros((2, 4)), np.ones(3))
