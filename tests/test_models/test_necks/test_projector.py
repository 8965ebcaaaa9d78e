import pytest
import torch
from torch.nn.functional import cosine_similarity

from mmcion.models import Projector

NORMS = 'last_layer.parametrizations.weight.original0'
DIRECTIONS = 'last_layer.parametrizations.weight.original1'


def make_projector(**options):
    torch.manual_seed(0)
    return Projector(8, 12, hidden_channels=16, **options)


def test_logits_are_cosines_with_the_prototypes():
    projector = make_projector()
    feats = torch.randn(5, 8)
    logits = projector(feats)
    expected = cosine_similarity(
        projector.mlp(feats)[:, None],
        projector.get_parameter(DIRECTIONS)[None],
        dim=-1,
    )
    torch.testing.assert_close(logits, expected)
    assert logits.abs().max() <= 1


def test_logits_do_not_depend_on_the_length_of_prototypes():
    projector = make_projector()
    feats = torch.randn(5, 8)
    before = projector(feats)
    with torch.no_grad():
        projector.get_parameter(DIRECTIONS).mul_(3)
    torch.testing.assert_close(projector(feats), before)


def test_norms_are_one_and_fixed():
    norms = make_projector().get_parameter(NORMS)
    assert norms.shape == (12, 1)
    assert norms.eq(1).all() and not norms.requires_grad


def test_mlp_starts_with_truncated_normals_and_no_bias():
    torch.manual_seed(0)
    projector = Projector(256, 4)
    for index in (0, 2, 4):
        weight = projector.mlp[index].weight.detach()
        assert float(weight.std()) == pytest.approx(0.02, rel=0.02)
        assert abs(float(weight.mean())) < 1e-4
        assert weight.abs().max() <= 2
        assert not projector.mlp[index].bias.any()


def test_prototypes_start_as_a_linear_layer_does():
    torch.manual_seed(0)
    directions = Projector(8, 500).get_parameter(DIRECTIONS).detach()
    bound = 256**-0.5
    assert directions.abs().max() <= bound
    assert float(directions.std()) == pytest.approx(bound / 3**0.5, rel=0.02)


def test_names_of_the_state():
    expected = {
        f'mlp.{i}.{kind}' for i in (0, 2, 4) for kind in ('weight', 'bias')
    }
    assert set(make_projector().state_dict()) == {*expected, NORMS, DIRECTIONS}


@pytest.mark.parametrize(
    ('in_channels', 'millions'), [(2048, 25.71), (384, 22.30)]
)
def test_published_number_of_parameters(in_channels, millions):
    with torch.device('meta'):
        projector = Projector(in_channels, 65336)
    total = sum(p.numel() for p in projector.parameters())
    trained = sum(p.numel() for p in projector.parameters() if p.requires_grad)
    assert total / 1e6 == pytest.approx(millions, abs=0.005)
    assert total - trained == 65336


def test_batch_norm_follows_each_hidden_linear():
    projector = make_projector(use_bn=True)
    feats = torch.randn(32, 8)
    hidden = projector.mlp[:2](feats)
    assert hidden.mean(0).abs().max() < 1e-5
    names = [type(layer).__name__ for layer in projector.mlp]
    block = ['Linear', 'BatchNorm1d', 'GELU']
    assert names == [*block, *block, 'Linear']
