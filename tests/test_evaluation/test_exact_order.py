import numpy as np

from mmcion.evaluation.functional.distance import ExactDistances
from mmcion.evaluation.functional.exact_order import exact_groups
from mmcion.evaluation.functional.tie_scores import TieGroups


def test_a_group_is_split_by_hand():
    # single precision sees 1 four times; one of them is 1 + 1e-6
    qf = np.array([[0, 0]], np.float32)
    gf = np.array([[3, 0], [1, 0], [1, 0], [1, 0], [1, 1e-3], [0.5, 0]])
    gf = gf.astype(np.float32)
    exact = ExactDistances(qf, gf, 'euclidean')
    unsorted = np.array([[9, 1, 1, 1, 1, 0.25]], np.float32)
    found = exact_groups(
        exact,
        np.array([0]),
        np.sort(unsorted),
        unsorted,
        [np.array([2, 4, 5])],
        # the match at 0.25, and two of the four at 1
        {0: TieGroups(*np.array([[0, 1], [1, 4], [1, 2]]))},
    )[0]
    assert found.start.tolist() == [0, 1, 4]
    assert found.size.tolist() == [1, 3, 1]
    assert found.matches.tolist() == [1, 1, 1]
