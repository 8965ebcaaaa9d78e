import pytest
import torch

from mmcion.models.backbones import SemanticSwinTransformer
from mmcion.models.weights import convert_weights
from mmcion.utils.checks import UserError

from .. import solider


@pytest.fixture(scope='module')
def weights():
    return solider.random_weights('tiny')


# the last has sides that are no multiple of a patch, nor even after merging
@pytest.mark.parametrize(
    ('size', 'semantic_weight'),
    [((384, 128), 0.2), ((128, 64), 1), ((90, 61), 0)],
)
@torch.inference_mode()
def test_equals_the_published_forward(weights, size, semantic_weight):
    state, _ = convert_weights(weights, 'solider')
    model = SemanticSwinTransformer('tiny', semantic_weight).eval()
    model.load_state_dict(state)
    images = torch.randn(2, 3, *size)
    expected = solider.forward(weights, images, semantic_weight)
    torch.testing.assert_close(
        model(images)[0], expected, rtol=1e-5, atol=1e-5
    )


def test_controller_is_not_trained():
    model = SemanticSwinTransformer('tiny')
    fixed = {n for n, p in model.named_parameters() if not p.requires_grad}
    assert len(fixed) == 12 and all('semantic_embed' in n for n in fixed)
    with pytest.raises(UserError, match='1.5'):
        SemanticSwinTransformer('tiny', 1.5)
