import pytest
import torch

from mmcion.models.utils import pool_stripes, visible_stripes
from mmcion.utils.checks import UserError

WHOLE = [0.0, 0.0, 1.0, 1.0]


def make_maps(rows=8, columns=4, number=2):
    rng = torch.Generator().manual_seed(0)
    return torch.randn(number, 3, rows, columns, generator=rng)


@pytest.mark.parametrize('num_stripes', [1, 2, 4, 8])
def test_stripes_of_whole_images_are_means_of_rows(num_stripes):
    maps, boxes = make_maps(), torch.tensor([WHOLE, WHOLE])
    expected = [part.mean((2, 3)) for part in maps.chunk(num_stripes, dim=2)]
    found = pool_stripes(maps, boxes, num_stripes)
    torch.testing.assert_close(found, torch.stack(expected, 1))
    assert visible_stripes(boxes, num_stripes).all()


def test_six_stripes_of_eight_rows():
    found = pool_stripes(make_maps(), torch.tensor([WHOLE, WHOLE]), 6)
    assert found.shape == (2, 6, 3)
    assert found.isfinite().all()


def test_more_stripes_than_rows():
    with pytest.raises(UserError, match='9: maps have 8'):
        pool_stripes(make_maps(), torch.tensor([WHOLE, WHOLE]), 9)


def test_stripes_are_those_of_the_image():
    maps = make_maps(rows=8, number=3)
    boxes = torch.tensor(
        [
            [0.5, 0.0, 0.5, 1.0],  # lower half
            [0.125, 0.1, 0.5, 0.8],  # half of stripes 0 and 2, and stripe 1
            [0.0, 0.0, 0.75, 0.4],  # too narrow for any
        ]
    )
    found = pool_stripes(maps, boxes, 4)
    assert visible_stripes(boxes, 4).tolist() == [
        [False, False, True, True],
        [False, True, False, False],  # 0.8 x 0.5 of stripes 0 and 2
        [False] * 4,
    ]
    rows = maps.mean(3).mT  # (3, 8, d)
    # a quarter of the image is half of the crop
    torch.testing.assert_close(found[0, 2], rows[0, :4].mean(0))
    torch.testing.assert_close(found[0, 3], rows[0, 4:].mean(0))
    torch.testing.assert_close(found[1, 1], rows[1, 2:6].mean(0))
    # what there is of a stripe that is cut off
    torch.testing.assert_close(found[1, 0], rows[1, :2].mean(0))
    assert found.isfinite().all()


def test_a_position_in_the_image_is_found_in_every_crop():
    """Maps that hold the position of each row in the image."""
    boxes = torch.tensor([WHOLE, [0.3, 0.0, 0.6, 1.0], [0.1, 0.2, 0.8, 0.7]])
    centers = (torch.arange(64) + 0.5) / 64
    rows = boxes[:, :1] + boxes[:, 2:3] * centers  # (3, 64)
    maps = rows[:, None, :, None].expand(-1, 1, -1, 4)
    found, visible = pool_stripes(maps, boxes, 5), visible_stripes(boxes, 5)
    expected = (torch.arange(5) + 0.5) / 5
    # a stripe that lies in the crop as a whole
    edges = torch.arange(6) / 5
    inside = (edges[:-1] >= boxes[:, :1] - 1e-6) & (
        edges[1:] <= (boxes[:, :1] + boxes[:, 2:3]) + 1e-6
    )
    assert inside.sum() > 8 and (visible | ~inside).all()
    gap = (found[..., 0] - expected).abs()
    assert gap[inside].max() < 0.01
