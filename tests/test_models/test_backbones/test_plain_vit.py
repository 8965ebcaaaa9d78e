import pytest
import torch

from mmcion.models.backbones import PlainVisionTransformer


@pytest.mark.parametrize('size', [(256, 128), (100, 50)])
@torch.inference_mode()
def test_images_of_any_size_have_a_class_token(size):
    model = PlainVisionTransformer('vit_tiny_patch16_224', (256, 128)).eval()
    assert model.model.pos_embed.shape == (1, 129, 192)
    images = torch.randn(2, 3, *size)
    (token,) = model(images)
    assert token.shape == (2, model.num_features, 1, 1)
    if size == (256, 128):
        expected = model.model.forward_features(images)[:, 0]
        torch.testing.assert_close(token[..., 0, 0], expected)
