import pytest
import torch

from mmcion.evaluation.protocols import Labels
from mmcion.utils.checks import UserError


def test_lists_and_tensors_become_arrays():
    arrays = torch.tensor([1, 2]), [3], (0, 1), [2]
    labels = Labels.from_arrays(arrays, (2, 1))
    assert [column.tolist() for column in labels] == [[1, 2], [3], [0, 1], [2]]
    empty = Labels.from_arrays((['a', 'b'], [], None, None), (2, 0))
    assert empty.q_cams is None


@pytest.mark.parametrize(
    ('labels', 'named'),
    [
        (([1], [3], None, None), r'q_pids.*\(2,\).*\(1,\)'),
        (([1, 2], [[3]], None, None), r'g_pids.*\(1,\).*\(1, 1\)'),
        (([1, 2], [3], [0, 1], None), 'q_cams and g_cams'),
        (([1, 2], [3], [0, 1], [1, 2]), r'g_cams.*\(2,\)'),
        (([1, 2], ['3'], None, None), 'q_pids and g_pids.*numbers.*strings'),
        (([1, 2], [3], [0, None], [1]), 'q_cams and g_cams.*object'),
    ],
)
def test_labels_that_do_not_fit_are_named(labels, named):
    with pytest.raises(UserError, match=named):
        Labels.from_arrays(labels, (2, 1))
