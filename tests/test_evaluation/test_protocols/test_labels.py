import numpy as np
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
    words = np.array(['a', 'b'], object), ['b'], None, None
    assert Labels.from_arrays(words, (2, 1)).q_pids.tolist() == ['a', 'b']
    whole = [1.0, 2.0], [3], None, None
    assert Labels.from_arrays(whole, (2, 1)).q_pids.dtype == np.int64


@pytest.mark.parametrize(
    ('labels', 'named'),
    [
        (([1], [3], None, None), r'q_pids.*\(2,\).*\(1,\)'),
        (([1, 2], [[3]], None, None), r'g_pids.*\(1,\).*\(1, 1\)'),
        (([1, 2], [3], [0, 1], None), 'q_cams and g_cams'),
        (([1, 2], [3], [0, 1], [1, 2]), r'g_cams.*\(2,\)'),
        (([1, 2], ['3'], None, None), 'q_pids, g_pids .*int64, <U1'),
        (([1, 2], [3], [0, None], [1]), 'q_cams.*object'),
        (([1, np.nan], [3], None, None), 'q_pids.*row 1 is nan'),
        (([1, 1.5], [3], None, None), r'q_pids.*row 1 is 1\.5'),
        ((['a', np.nan], ['a'], None, None), r'q_pids\[1\] is nan'),
        (([1, 2], [3], [0, 1], [np.nan]), 'g_cams.*row 0 is nan'),
        ((np.array(['a', np.nan], object), ['a'], None, None), 'nan'),
        ((np.ma.masked_equal([1, 2], 2), [1], None, None), 'masked'),
        (([1, 2j], [1], None, None), 'complex'),
    ],
)
def test_labels_that_do_not_fit_are_named(labels, named):
    with pytest.raises(UserError, match=named):
        Labels.from_arrays(labels, (2, 1))
