import pytest
import torch

from mmcion.models.backbones import VisionTransformerICS
from mmcion.models.backbones.position_table import fit_position_table


def test_equals_timm_at_the_size_of_the_table():
    # timm's own forward takes patches as a list
    model = VisionTransformerICS('tiny', img_size=(64, 32)).eval()
    images = torch.randn(2, 3, 64, 32)
    with torch.inference_mode():
        (last,) = model(images)
        stem = model.model.patch_embed
        stem.forward = lambda x: (
            stem.proj(stem.conv(x)).flatten(2).transpose(1, 2)
        )
        expected = model.model(images)
    torch.testing.assert_close(last[..., 0, 0], expected)


def test_other_sizes_see_the_interpolated_table():
    torch.manual_seed(0)
    model = VisionTransformerICS('tiny', img_size=(64, 64)).eval()
    small = VisionTransformerICS('tiny', img_size=(48, 32)).eval()
    state = model.state_dict()
    token, table = state['model.pos_embed'].split([1, 16], 1)
    table = fit_position_table(table.unflatten(1, (4, 4)), 3, 2)
    state['model.pos_embed'] = torch.cat((token, table.flatten(1, 2)), 1)
    small.load_state_dict(state)
    images = torch.randn(1, 3, 48, 32)
    with torch.inference_mode():
        torch.testing.assert_close(model(images), small(images))


def test_start():
    torch.manual_seed(0)
    model = VisionTransformerICS('base').model
    for parameter in (model.cls_token, model.pos_embed):
        assert parameter.std().item() == pytest.approx(0.02, rel=0.1)
    assert model.blocks[0].mlp.fc1.weight.std().item() == pytest.approx(
        0.02, rel=0.02
    )
    assert model.blocks[0].norm1.eps == 1e-6
