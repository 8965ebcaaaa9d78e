import torch

from mmcion.models.backbones import VOLO


def test_equals_timm_at_the_size_of_the_table():
    model = VOLO('d1', img_size=(64, 32)).eval()
    images = torch.randn(2, 3, 64, 32)
    with torch.inference_mode():
        (last,) = model(images)
        expected = model.model(images)
    torch.testing.assert_close(last[..., 0, 0], expected)


def test_turned_image_has_its_own_positions():
    # as many cells: the table must not be taken as it is, turned
    model = VOLO('d1', img_size=(64, 32)).eval()
    assert model.model.pos_embed.shape == (1, 4, 2, 384)
    images = torch.randn(1, 3, 32, 64)
    with torch.inference_mode():
        (before,) = model(images)
        # smooth from top to bottom, so a wide image sees it in each column
        model.model.pos_embed[:] = torch.arange(4.0).view(1, 4, 1, 1)
        (after,) = model(images)
    assert before.shape == after.shape == (1, 384, 1, 1)
    assert not torch.allclose(before, after)
