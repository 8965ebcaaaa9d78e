import colorsys
import math

import numpy as np
import pytest
import torch

from mmcion.models.backbones.color_stripe_descriptor import rgb_to_hsv
from mmcion.registry import MODELS
from mmcion.utils.checks import UserError


def random_images(seed, size=(3, 3, 14, 9)):
    """Return images of 8-bit colours: greys and equal channels occur."""
    generator = torch.Generator().manual_seed(seed)
    levels = torch.randint(0, 6, size, generator=generator)
    images = levels * 51 / 255
    images[0, :, 0] = torch.tensor([0, 0.5, 1]).repeat(3)
    return images


def describe(images, **kwargs):
    model = MODELS.build({'type': 'ColorStripeDescriptor', **kwargs})
    (features,) = model(images)
    assert features.shape == (len(images), model.num_features)
    return features


def histogram_by_loop(image, *, stripes, bins, focus):
    """Describe one image (3, H, W) pixel by pixel."""
    _, height, width = image.shape
    parts = []
    for stripe in range(stripes):
        counts = [[0.0] * number for number in bins]
        for y in range(height):
            if y * stripes // height != stripe:
                continue
            for x in range(width):
                across = (x + 0.5) / width - 0.5
                bell = math.exp(-((across / focus) ** 2) / 2)
                hsv = colorsys.rgb_to_hsv(*image[:, y, x].tolist())
                weights = (bell * hsv[1], bell, bell)
                for channel in range(3):
                    number = bins[channel]
                    place = min(int(hsv[channel] * number), number - 1)
                    counts[channel][place] += weights[channel]
        parts += [value for channel in counts for value in channel]
    root = np.sqrt(parts)
    return root / np.linalg.norm(root)


@pytest.mark.parametrize('seed', range(3))
def test_hsv_equals_colorsys_in_every_pixel(seed):
    images = random_images(seed).double()
    found = torch.stack(rgb_to_hsv(images), 1)
    pixels = images.permute(0, 2, 3, 1).reshape(-1, 3)
    expected = [colorsys.rgb_to_hsv(*pixel) for pixel in pixels.tolist()]
    torch.testing.assert_close(
        found.permute(0, 2, 3, 1).reshape(-1, 3),
        torch.tensor(expected, dtype=torch.float64),
    )


@pytest.mark.parametrize(
    ('stripes', 'bins', 'focus'),
    [(6, (24, 16, 16), 0.2), (4, (5, 7, 3), 0.5), (14, (4, 4, 4), 10.0)],
)
def test_histograms_equal_a_plain_loop(stripes, bins, focus):
    # any colours: those on the edge of a bin may round to either side
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(3, 3, 14, 9, generator=generator)
    found = describe(
        images,
        num_stripes=stripes,
        hue_bins=bins[0],
        saturation_bins=bins[1],
        value_bins=bins[2],
        focus=focus,
    )
    expected = np.stack(
        [
            histogram_by_loop(
                image.double(), stripes=stripes, bins=bins, focus=focus
            )
            for image in images
        ]
    )
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_unit_length_and_336_dimensions():
    features = describe(random_images(0))
    assert features.shape == (3, 336)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features.norm(dim=1), torch.ones(3))


@pytest.mark.parametrize('grey', [0.0, 0.5, 1.0])
def test_grey_images_have_a_finite_descriptor(grey):
    features = describe(torch.full((1, 3, 12, 6), grey))
    assert features.isfinite().all()
    torch.testing.assert_close(features.norm(dim=1), torch.ones(1))


def test_images_do_not_touch_each_other():
    images = random_images(1)
    torch.testing.assert_close(describe(images)[1:2], describe(images[1:2]))


def test_colours_of_one_stripe_change_only_its_part():
    images = torch.full((2, 3, 12, 6), 0.5)
    images[1, 0, 2:4] = 1.0  # the second of six stripes turns red
    plain, red = describe(images).view(2, 6, 56)
    changed = (plain - red).abs().amax(1) > 0.1
    assert changed.tolist() == [False, True, False, False, False, False]


def test_too_small_image_is_refused():
    assert describe(torch.rand(1, 3, 6, 1)).isfinite().all()
    with pytest.raises(UserError, match=r'6 pixels.* 5'):
        describe(torch.rand(1, 3, 5, 9))


def test_focus_must_be_positive():
    with pytest.raises(UserError, match=r'focus.* 0'):
        MODELS.build({'type': 'ColorStripeDescriptor', 'focus': 0})
