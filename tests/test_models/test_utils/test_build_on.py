from types import SimpleNamespace

import pytest

from mmcion.models.utils import build_on
from mmcion.utils.checks import UserError

NECK = {'type': 'mmcion.BNNeck', 'embed_dims': 3}


def test_width_is_that_of_the_module_below():
    neck = build_on(SimpleNamespace(num_features=5), NECK, 'model.neck')
    assert neck.embedding.in_features == 5
    assert 'in_channels' not in NECK


@pytest.mark.parametrize('below', [{}, {'num_features': [4, 8]}])
def test_unknown_width_is_given_by_the_config(below):
    """Backbones of other packages have none, or one of each stage."""
    cfg = {**NECK, 'in_channels': 8}
    neck = build_on(SimpleNamespace(**below), cfg, 'model.neck')
    assert neck.embedding.in_features == 8


def test_wrong_width_is_refused():
    cfg = {**NECK, 'in_channels': 8}
    with pytest.raises(UserError, match=r'model\.neck.* 8, .* 5'):
        build_on(SimpleNamespace(num_features=5), cfg, 'model.neck')
