import pytest
import torch

from mmcion.structures import ViewPlan
from mmcion.utils.checks import UserError


def make_plan(height, width, num_views=2, value=5):
    return ViewPlan(
        images=torch.full((height, width, 3), value, dtype=torch.uint8),
        boxes=torch.full((num_views, 4), value),
        flips=torch.ones(num_views, dtype=torch.bool),
        amounts=torch.zeros(num_views, 4),
        order=torch.zeros(num_views, 4, dtype=torch.int64),
        greys=torch.zeros(num_views, dtype=torch.bool),
        sigmas=torch.full((num_views,), float(value)),
        solarized=torch.zeros(num_views, dtype=torch.bool),
        sizes=torch.tensor([[8, 4]] * num_views),
    )


def test_images_of_all_sizes_are_padded_below_and_to_the_right():
    plan = ViewPlan.stack([make_plan(4, 7), make_plan(6, 2, value=9)])
    assert plan.images.shape == (2, 6, 7, 3)
    assert (plan.images[0, :4] == 5).all() and (plan.images[0, 4:] == 0).all()
    assert (plan.images[1, :, :2] == 9).all()
    assert (plan.images[1, :, 2:] == 0).all()
    assert plan.images.dtype == torch.uint8


def test_columns_get_a_batch_and_sizes_stay():
    plan = ViewPlan.stack([make_plan(4, 7), make_plan(6, 2, value=9)])
    assert plan.boxes.shape == (2, 2, 4) and plan.order.shape == (2, 2, 4)
    assert plan.sigmas.tolist() == [[5, 5], [9, 9]]
    assert plan.flips.shape == plan.greys.shape == (2, 2)
    assert plan.sizes.tolist() == [[8, 4]] * 2


def test_images_with_other_views_are_refused():
    with pytest.raises(UserError, match='equal view sizes'):
        ViewPlan.stack([make_plan(4, 7), make_plan(4, 7, num_views=3)])
