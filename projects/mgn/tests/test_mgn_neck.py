import pytest
import torch
from torch.nn.functional import normalize

from mmcion.utils.checks import UserError
from tests.golden import golden_inputs, read_golden

from ..mgn import MGNNeck
from ..mgn.mgn_neck import PIECES

CASE = read_golden('mgn')['cases']['mgn_feature']


def make(in_channels=4, out_channels=3, **options):
    torch.manual_seed(0)
    return MGNNeck(in_channels, out_channels, **options)


def test_golden():
    inputs = golden_inputs(CASE)
    neck = make(extra_bn=False).double().eval()
    with torch.no_grad():
        for number, name in enumerate(CASE['params']['order']):
            head = neck.heads[name]
            head.pooling.p.fill_(2.5 + 0.25 * number)
            head.reduction.weight.copy_(
                inputs[f'{name}_weight'][:, :, None, None]
            )
            for key in ('weight', 'running_mean', 'running_var'):
                getattr(head.bn, key).copy_(inputs[f'{name}_bn_{key}'])
        _, after = neck([inputs[name] for name in ('b1', 'b2', 'b3')])
    for found, key in (
        (after, 'feature'),
        (normalize(after), 'unit_feature'),
        (after[0, 9:15], 'triplet_b2_parts_row_0'),
        (after[0, 15:], 'triplet_b3_parts_row_0'),
    ):
        wanted = torch.tensor(CASE['outputs'][key], dtype=torch.float64)
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-12)


def test_features_are_in_the_published_order():
    assert list(PIECES) == CASE['params']['order']
    assert list(make().heads) == list(PIECES)


@pytest.mark.parametrize('rows', [3, 4, 5, 24])
def test_every_row_is_in_one_stripe(rows):
    neck = make().eval()
    maps = torch.rand(3, 2, 4, rows, 2)
    first, _ = neck(maps)
    counts = torch.zeros(rows)
    for row in range(rows):
        changed = maps.clone()
        changed[:, :, :, row] += 1
        differs = (neck(changed)[0] != first).view(2, 8, 3).any(2).all(0)
        counts[row] = differs.sum()
        assert differs[:3].all()  # the whole maps
    # and in one half and one third
    assert (counts == 5).all()


def test_initial_values():
    neck = make(64, 2000)
    head = neck.heads['b31']
    assert head.bn.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert not head.bn.bias.any() and not head.bn.bias.requires_grad
    assert head.pooling.p.item() == 3
    # fan-out of a 1 x 1 convolution is its number of filters
    deviation = head.reduction.weight.std().item()
    assert deviation == pytest.approx((2 / 2000) ** 0.5, rel=0.05)
    assert all(bn.weight.requires_grad for bn in neck.extra_bn)


def test_number_of_parameters():
    with torch.device('meta'):
        neck, bare = MGNNeck(2048), MGNNeck(2048, extra_bn=False)
    sizes = [
        sum(p.numel() for p in each.parameters()) for each in (neck, bare)
    ]
    assert sizes[0] - sizes[1] == 12288
    assert sizes[1] == 8 * 524801
    assert neck.num_features == 2048


def test_too_few_rows():
    with pytest.raises(UserError, match='have 2'):
        make()(torch.rand(3, 1, 4, 2, 2))
