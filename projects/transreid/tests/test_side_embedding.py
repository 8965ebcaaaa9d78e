import pytest
import torch

from mmcion.utils.checks import UserError
from tests.golden import golden_tensor, read_golden

from ..transreid import SideEmbedding

CASE = read_golden('transreid')['cases']['sie']


def golden(name):
    spec = CASE['inputs'][name]
    return golden_tensor(spec['key'], spec['shape'], spec['scale'])


@pytest.mark.parametrize('kind', ['camera', 'camera_view'])
def test_equals_published_code(kind):
    table = golden(f'{kind}_table')
    side = SideEmbedding(len(table), table.shape[1]).double()
    side.table.data = table
    ids = CASE['params']['camera']
    if kind == 'camera_view':
        views = CASE['params']['view']
        ids = [2 * cam + view for cam, view in zip(ids, views, strict=True)]
    tokens = golden('tokens') + golden('position') + side(ids)[:, None]
    expected = torch.tensor(CASE['outputs'][kind], dtype=torch.float64)
    torch.testing.assert_close(tokens, expected, rtol=1e-12, atol=1e-15)


def test_unseen_cameras_have_the_mean_vector():
    side = SideEmbedding(3, 4).eval()
    mean = 3 * side.table.mean(0)
    found = side([1, -1, 3])
    assert torch.equal(found[0], 3 * side.table[1])
    for row in (found[1], found[2], side(None)[0]):
        torch.testing.assert_close(row, mean)


def test_unseen_cameras_may_have_none():
    found = SideEmbedding(3, 4, unseen='zero').eval()([1, 3])
    assert found[0].any() and not found[1].any()


@pytest.mark.parametrize(('ids', 'given'), [([0, 3], '3'), (None, 'no cam')])
def test_unseen_cameras_may_be_refused(ids, given):
    side = SideEmbedding(3, 4, unseen='error').eval()
    assert side([2]).shape == (1, 4)
    with pytest.raises(UserError, match=given):
        side(ids)


@pytest.mark.parametrize('ids', [[0, 3], [-1]])
def test_training_needs_the_cameras(ids):
    with pytest.raises(UserError, match='num_cameras'):
        SideEmbedding(3, 4).train()(ids)


def test_arguments_are_checked():
    with pytest.raises(UserError, match='median'):
        SideEmbedding(3, 4, unseen='median')
    with pytest.raises(UserError, match='got 0'):
        SideEmbedding(0, 4)
