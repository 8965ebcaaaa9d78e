import pytest
import torch

from mmcion.models.utils import pooled_feature
from mmcion.utils.checks import UserError


def test_map_is_averaged_over_space():
    maps = torch.arange(24.0).view(1, 2, 3, 4)
    assert pooled_feature(maps).tolist() == [[5.5, 17.5]]


def test_vector_is_taken_as_it_is():
    feats = torch.randn(3, 5)
    assert pooled_feature(feats) is feats


@pytest.mark.parametrize('kind', [tuple, list])
def test_last_output_counts(kind):
    feats = torch.randn(3, 5)
    assert pooled_feature(kind([torch.zeros(3, 2, 4, 4), feats])) is feats


def test_other_shapes_are_named():
    with pytest.raises(UserError, match=r'\(2, 3, 4\)'):
        pooled_feature(torch.zeros(2, 3, 4))
