import numpy as np
import pytest

from mmcion.testing.synthetic_street import draw_occluders, draw_street


@pytest.mark.parametrize('size', [(640, 360), (321, 183)])
def test_street_and_occluders_fit_the_image(size):
    street = draw_street(size, np.random.default_rng(0))
    assert street.shape == (size[1], size[0], 3)
    assert street.dtype == np.uint8
    for occluder in draw_occluders(size):
        height, width = occluder.image.shape[:2]
        assert occluder.left + width <= size[0]
        assert occluder.top + height <= size[1]
        assert abs(occluder.top + height - occluder.foot) <= 2
        assert (occluder.image[..., 3] == 255).any()
