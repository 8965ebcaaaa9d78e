import random

import pytest
import torch

from mmcion.datasets.transforms import RandomErasing
from mmcion.utils.checks import UserError

WHITE = torch.full((3, 60, 20), 255, dtype=torch.uint8)


def boxes(erase, number=400):
    """Height and width of the boxes that were covered, if any."""
    random.seed(0)
    for _ in range(number):
        image = erase({'img': WHITE})['img']
        covered = image[0] < 255
        h, w = int(covered.any(1).sum()), int(covered.any(0).sum())
        assert covered.sum() == h * w  # a box
        if h:
            yield h, w


def test_boxes_keep_to_their_ranges():
    found = list(boxes(RandomErasing()))
    assert 150 < len(found) < 250  # half of them
    for h, w in found:
        # rounding adds up to half a pixel on each side
        assert (h - 0.5) * (w - 0.5) <= 0.4 * 60 * 20
        assert (h + 0.5) * (w + 0.5) >= 0.02 * 60 * 20
        assert (h - 0.5) / (w + 0.5) <= 1 / 0.3
        assert (h + 0.5) / (w - 0.5) >= 0.3
        assert h < 60 and w < 20
    assert min(w / h for h, w in found) < 0.4
    assert (WHITE == 255).all()  # images are changed as copies


def test_aspect_is_uniform_and_not_its_logarithm():
    tall = [h / w for h, w in boxes(RandomErasing(1.0, area=(0.02, 0.03)))]
    # uniform on [0.3, 3.33]: 1.8; log-uniform: 1.26
    assert sum(tall) / len(tall) == pytest.approx(1.8, abs=0.15)


def test_box_is_never_the_whole_image():
    erase = RandomErasing(1.0, area=(1.0, 1.0), aspect=(3.0, 3.0))
    assert not list(boxes(erase, 3))


def test_fill():
    erase = RandomErasing(1.0, fill=(10, 20, 30))
    colours = set(erase({'img': WHITE})['img'].flatten(1).T.unbind())
    assert {tuple(c.tolist()) for c in colours} == {
        (255, 255, 255),
        (10, 20, 30),
    }


def test_probability_out_of_range():
    with pytest.raises(UserError, match=r'1\.5'):
        RandomErasing(1.5)
