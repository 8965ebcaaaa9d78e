from random import Random

import numpy as np
import pytest
import torch

from mmcion.datasets.transforms.random_view import (
    RandomView,
    ViewKind,
    plan_views,
)
from mmcion.structures.view_plan import BRIGHTNESS, CONTRAST, HUE, SATURATION

KIND = ViewKind((16, 8), (0.05, 0.8), (0.4, 0.6), 0.5, 0.2)
PLAIN = RandomView((16, 8), (0, 0, 20, 10), False, [], False, 0.0, False)


def draws(number):
    rng = Random(0)
    return [RandomView.draw(KIND, (64, 32), rng) for _ in range(number)]


def test_jitter_has_its_ranges_and_every_order():
    jitters = [view.jitter for view in draws(1500) if view.jitter]
    assert len(jitters) == pytest.approx(1200, abs=60)
    orders = {tuple(change for change, _ in jitter) for jitter in jitters}
    assert len(orders) == 24
    for change, low, high in (
        (BRIGHTNESS, 0.6, 1.4),
        (CONTRAST, 0.6, 1.4),
        (SATURATION, 0.8, 1.2),
        (HUE, -0.1, 0.1),
    ):
        amounts = [dict(jitter)[change] for jitter in jitters]
        slack = 0.02 * (high - low)
        assert low <= min(amounts) < low + slack
        assert high - slack < max(amounts) <= high
        assert abs(np.mean(amounts) - (low + high) / 2) < 3 * slack


def test_other_changes_are_as_frequent_as_asked():
    views = draws(2000)

    def fraction(changes):
        return sum(map(bool, changes)) / len(views)

    assert fraction(v.flip for v in views) == pytest.approx(0.5, abs=0.04)
    assert fraction(v.grey for v in views) == pytest.approx(0.2, abs=0.04)
    assert fraction(v.sigma for v in views) == pytest.approx(0.5, abs=0.04)
    assert fraction(v.solarize for v in views) == pytest.approx(0.2, abs=0.04)
    sigmas = [view.sigma for view in views if view.sigma]
    assert 0.1 <= min(sigmas) < 0.12 and 1.98 < max(sigmas) <= 2


def test_view_without_changes_is_the_resized_crop():
    image = torch.full((3, 20, 10), 9, dtype=torch.uint8)
    view = PLAIN.apply(image)
    assert view.shape == (3, 16, 8) and (view == 9).all()


def test_plan_holds_what_was_drawn():
    jitter = [(HUE, 0.1), (BRIGHTNESS, 1.2), (SATURATION, 0.9), (CONTRAST, 1)]
    changed = PLAIN._replace(
        box=(1, 2, 3, 4),
        flip=True,
        jitter=jitter,
        grey=True,
        sigma=1.5,
        solarize=True,
        size=(8, 4),
    )
    image = torch.arange(600, dtype=torch.uint8).view(3, 20, 10)
    plan = plan_views(image, [PLAIN, changed])
    assert torch.equal(plan.images, image.permute(1, 2, 0))
    assert plan.boxes.tolist() == [[0, 0, 20, 10], [1, 2, 3, 4]]
    assert plan.order.tolist() == [[-1] * 4, [3, 0, 2, 1]]
    assert plan.amounts[1].tolist() == pytest.approx([1.2, 1, 0.9, 0.1])
    assert plan.sigmas.tolist() == [0, 1.5]
    assert plan.sizes.tolist() == [[16, 8], [8, 4]]
    for column in (plan.flips, plan.greys, plan.solarized):
        assert column.tolist() == [False, True]
