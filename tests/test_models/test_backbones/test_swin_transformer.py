import pytest
import torch
from mmpretrain.models.utils import ShiftWindowMSA
from timm.layers import DropPath

from mmcion.models.backbones import SwinTransformer
from mmcion.models.backbones.swin_transformer import PaddedSwinBlock


# the last three are where shifting before padding goes wrong
@pytest.mark.parametrize('shift', [0, 4])
@pytest.mark.parametrize(
    'size', [(16, 8), (8, 4), (4, 2), (12, 4), (18, 6), (5, 7), (9, 11)]
)
def test_attention_equals_that_for_detection(size, shift):
    torch.manual_seed(0)
    block = PaddedSwinBlock(
        dim=12,
        input_resolution=(16, 8),
        num_heads=3,
        window_size=8,
        shift_size=shift,
        always_partition=True,
        dynamic_mask=True,
    )
    reference = ShiftWindowMSA(12, 3, 8, shift_size=shift, pad_small_map=True)
    reference.w_msa.load_state_dict(block.attn.state_dict(), strict=False)
    x = torch.randn(2, *size, 12)
    expected = reference(x.flatten(1, 2), size).view_as(x)
    torch.testing.assert_close(block._attn(x), expected)


def test_drop_path_grows_with_depth():
    blocks = [
        module
        for module in SwinTransformer('tiny').modules()
        if isinstance(module, PaddedSwinBlock)
    ]
    rates = [
        block.drop_path1.drop_prob
        for block in blocks
        if isinstance(block.drop_path1, DropPath)
    ]
    assert len(blocks) == 12
    assert rates == pytest.approx([0.1 * i / 11 for i in range(1, 12)])


def test_all_windows_are_eight_wide():
    state = SwinTransformer('tiny').state_dict()
    tables = [
        tensor.shape[0]
        for name, tensor in state.items()
        if name.endswith('relative_position_bias_table')
    ]
    assert tables == [225] * 12


def test_side_that_is_no_multiple_of_a_patch():
    model = SwinTransformer('tiny').eval()
    images = torch.randn(1, 3, 61, 30)
    padded = torch.nn.functional.pad(images, (0, 2, 0, 3))
    with torch.inference_mode():
        torch.testing.assert_close(model(images), model(padded))
