import pytest
import torch

from mmcion.models.backbones import PaddedSwinTransformer
from mmcion.models.weights import convert_weights

from .. import solider


@pytest.mark.parametrize('size', [(128, 64), (61, 90)])
@torch.inference_mode()
def test_equals_the_published_forward_without_controller(size):
    weights = solider.random_weights('tiny', semantic=False)
    state, _ = convert_weights(weights, 'solider-reid')
    model = PaddedSwinTransformer('tiny').eval()
    model.load_state_dict(state)
    images = torch.randn(1, 3, *size)
    expected = solider.forward(weights, images, 0.2)
    torch.testing.assert_close(
        model(images)[0], expected, rtol=1e-5, atol=1e-5
    )
