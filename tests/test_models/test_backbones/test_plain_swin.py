import timm
import torch

from mmcion.models.backbones import PlainSwinTransformer


@torch.inference_mode()
def test_equals_timm():
    model = PlainSwinTransformer('tiny').eval()
    assert model.model.layers[0].blocks[0].window_size == (7, 7)
    network = timm.create_model('swin_tiny_patch4_window7_224', num_classes=0)
    network.load_state_dict(model.model.state_dict())
    images = torch.randn(1, 3, 224, 224)
    (last,) = model(images)
    expected = network.eval()(images)
    torch.testing.assert_close(last.mean((2, 3)), expected)
    assert model(torch.randn(1, 3, 100, 50))[0].shape[:2] == (1, 768)
