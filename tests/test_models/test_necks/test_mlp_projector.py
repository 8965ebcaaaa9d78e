import pytest
import torch
from torch.nn.functional import normalize

from mmcion.models import MLPProjector


def test_two_layers_and_a_norm():
    torch.manual_seed(0)
    neck, feats = MLPProjector(6, 4), torch.randn(3, 6)
    first, _, second = neck.mlp
    hidden = (feats @ first.weight.T + first.bias).clamp_min(0)
    expected = normalize(hidden @ second.weight.T + second.bias)
    torch.testing.assert_close(neck(feats), expected)
    assert first.out_features == 6 and neck.out_channels == 4


def test_half_precision_stays_on_the_sphere():
    neck, feats = MLPProjector(16, 8, hidden_channels=4), torch.randn(5, 16)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        units = neck(feats)
    assert units.dtype == torch.float32
    torch.testing.assert_close(units.norm(dim=1), torch.ones(5))


@pytest.mark.parametrize(('kaiming', 'out'), [(True, 400), (False, 400)])
def test_initial_weights(kaiming, out):
    torch.manual_seed(0)
    neck = MLPProjector(100, out, 200, kaiming_init=kaiming)
    layer = neck.mlp[2]
    # He: sqrt(2 / fan-out); PyTorch: uniform with 1 / sqrt(3 fan-in)
    expected = (2 / out) ** 0.5 if kaiming else (1 / (3 * 200)) ** 0.5
    assert float(layer.weight.std()) == pytest.approx(expected, rel=0.02)
    assert bool(layer.bias.any()) != kaiming


def test_output_bn_spreads_vectors_that_are_nearly_the_same():
    torch.manual_seed(0)
    feats = torch.randn(1, 16) + 0.05 * torch.randn(32, 16)
    alike = MLPProjector(16, 8)(feats)
    neck = MLPProjector(16, 8, output_bn=True)
    spread = neck(feats)
    assert (alike @ alike.T).mean() > 0.9 > 0.1 > (spread @ spread.T).mean()
    out = neck.mlp[:-1](feats)
    expected = (out - out.mean(0)) / out.std(0, correction=0)
    torch.testing.assert_close(
        spread, normalize(expected), rtol=1e-2, atol=1e-2
    )
