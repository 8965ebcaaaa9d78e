import numpy as np
import pytest

from mmcion.structures import RocCurve
from mmcion.utils.checks import UserError


def make_curve():
    thresholds = np.array([0.1, 0.2, 0.4, 0.7])
    tpr, fpr = np.array([0.25, 0.5, 0.75, 1]), np.array([0.1, 0.1, 0.3, 0.9])
    return RocCurve(thresholds, tpr, fpr, num_matches=4, num_wrong=10)


@pytest.mark.parametrize(
    ('fpr', 'tpr'),
    [(0.05, 0), (0.1, 0.5), (0.29, 0.5), (0.3, 0.75), (1, 1)],
)
def test_last_point_within_the_rate(fpr, tpr):
    assert make_curve().tpr_at(fpr) == tpr


def test_rate_must_be_a_fraction():
    with pytest.raises(UserError, match='fpr .* 2'):
        make_curve().tpr_at(2)
