import numpy as np
import pytest
import torch

from mmcion.evaluation.protocols import Labels


def test_lists_and_tensors_become_arrays():
    labels = Labels.of(
        torch.tensor([1, 2]), [3], (0, 1), [2], num_queries=2, num_gallery=1
    )
    assert [column.tolist() for column in labels] == [[1, 2], [3], [0, 1], [2]]


@pytest.mark.parametrize(
    ('labels', 'message'),
    [
        (([1], [3]), r'q_pids must hold one value .*\(2,\); got \(1,\)'),
        (([1, 2], [[3]]), r'g_pids must hold .*\(1,\); got \(1, 1\)'),
        (([1, 2], [3], [0, 1]), 'cameras for queries and gallery, or for'),
        (([1, 2], [3], [0, 1], [1, 2]), r'g_cams must hold .*got \(2,\)'),
        (([1, 2], ['3']), 'q_pids and g_pids must both be numbers or both'),
        (([1, 2], [3], [0, None], [1]), 'q_cams and g_cams must both be'),
    ],
)
def test_lengths_must_fit(labels, message):
    with pytest.raises(ValueError, match=message):
        Labels.of(*labels, num_queries=2, num_gallery=1)


def test_part_of_the_gallery():
    labels = Labels(*(np.arange(4) for _ in range(4)))
    part = labels.of_gallery(np.array([3, 1]))
    assert part.g_pids.tolist() == part.g_cams.tolist() == [3, 1]
    assert part.q_pids.tolist() == [0, 1, 2, 3]
    assert labels._replace(g_cams=None).of_gallery([1]).g_cams is None
