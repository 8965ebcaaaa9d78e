"""The changes of images against Pillow's, which the authors use."""

from random import Random

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter, ImageOps
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms import functional as reference

from mmcion.datasets.transforms.image_ops import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    blur,
    jitter_colours,
    random_box,
    resize_crop,
    solarize,
    to_grey,
)
from mmcion.structures.view_plan import BRIGHTNESS, CONTRAST, HUE, SATURATION


@pytest.fixture
def image():
    """Smooth colours, as a photograph has, with some noise."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (12, 6, 3), np.uint8)
    smooth = cv2.resize(coarse, (80, 160), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255).astype(
        np.uint8
    )


def differences(found, expected):
    return np.abs(found.astype(int) - np.asarray(expected).astype(int))


@pytest.mark.parametrize('factor', [0.6, 0.93, 1.0, 1.4])
@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        (adjust_brightness, reference.adjust_brightness),
        (adjust_contrast, reference.adjust_contrast),
        (adjust_saturation, reference.adjust_saturation),
    ],
)
def test_brightness_contrast_saturation(image, change, expected, factor):
    found = change(image, factor)
    wanted = expected(Image.fromarray(image), factor)
    assert differences(found, wanted).max() <= 2


@pytest.mark.parametrize('shift', [-0.1, -0.02, 0.0, 0.05, 0.1])
def test_hue(image, shift):
    """Within one step of 256 on the colour wheel: 6 of 255 levels."""
    exact = torch.from_numpy(image).permute(2, 0, 1).double() / 255
    exact = reference.adjust_hue(exact, shift).permute(1, 2, 0) * 255
    found = differences(adjust_hue(image, shift), exact.round())
    assert found.mean() < 1.5 and found.max() <= 7
    # Pillow cuts the hue off where we round
    pillow = reference.adjust_hue(Image.fromarray(image), shift)
    assert differences(adjust_hue(image, shift), pillow).mean() < 2.5


def test_hue_wraps_around():
    red = np.full((2, 2, 3), (255, 0, 0), np.uint8)
    assert adjust_hue(red, -1 / 3)[0, 0].argmax() == 2
    assert adjust_hue(red, 1 / 3)[0, 0].argmax() == 1


def test_grey(image):
    wanted = reference.to_grayscale(Image.fromarray(image), 3)
    assert differences(to_grey(image), wanted).max() <= 1


@pytest.mark.parametrize('sigma', [0.1, 0.5, 1.0, 2.0])
def test_blur(image, sigma):
    wanted = Image.fromarray(image).filter(ImageFilter.GaussianBlur(sigma))
    found = differences(blur(image, sigma), wanted)
    # Pillow takes three box filters for a Gaussian
    assert found.mean() < 0.7 and found.max() <= 12


@pytest.mark.parametrize('size', [(4, 2), (3, 3), (1, 1)])
def test_blur_of_an_image_smaller_than_the_kernel(size):
    image = np.full((*size, 3), 7, np.uint8)
    assert (blur(image, 2.0) == image).all()


def test_solarize(image):
    wanted = ImageOps.solarize(Image.fromarray(image))
    assert differences(solarize(image), wanted).max() == 0


@pytest.mark.parametrize('size', [(64, 32), (256, 128), (100, 90)])
@pytest.mark.parametrize('box', [(0, 0, 160, 80), (31, 7, 90, 41)])
def test_resized_crop(image, box, size):
    found = resize_crop(torch.from_numpy(image).permute(2, 0, 1), box, size)
    wanted = reference.resized_crop(
        Image.fromarray(image), *box, size, InterpolationMode.BICUBIC
    )
    assert found.shape == (*size, 3)
    assert differences(found, wanted).max() <= 1


def drawn(size, scale, ratio, draws=3000):
    """Boxes of ours and of torchvision, ``(draws, 4)``."""
    rng = Random(0)
    torch.manual_seed(0)
    image = torch.empty(3, *size)
    ours = [random_box(size, scale, ratio, rng) for _ in range(draws)]
    theirs = [
        RandomResizedCrop.get_params(image, scale, ratio) for _ in range(draws)
    ]
    return np.array(ours), np.array(theirs)


@pytest.mark.parametrize('scale', [(0.8, 1.0), (0.05, 0.8)])
@pytest.mark.parametrize('size', [(256, 128), (300, 110), (100, 100)])
def test_boxes_are_distributed_as_torchvisions(size, scale):
    ours, theirs = drawn(size, scale, (0.4, 0.6))
    levels = np.linspace(0.05, 0.95, 10)
    for column in range(4):
        a, b = (np.quantile(x[:, column], levels) for x in (ours, theirs))
        # three standard errors of the quantiles' difference, and a pixel
        spread = np.ptp(theirs[:, column])
        assert np.abs(a - b).max() <= 0.06 * spread + 1
    assert (ours[:, :2] >= 0).all()
    assert (ours[:, :2] + ours[:, 2:] <= size).all()
    assert (ours[:, 2:] > 0).all()


@pytest.mark.parametrize('size', [(400, 20), (20, 400), (1, 1)])
def test_box_that_cannot_be_drawn_is_torchvisions_centre(size):
    ours, theirs = drawn(size, (0.99, 1.0), (0.4, 0.6), 3)
    if size == (1, 1):
        theirs = np.maximum(theirs, [0, 0, 1, 1])
    assert (ours == theirs).all()


def test_jitter_goes_in_the_order_that_it_is_given(image):
    jitter = [(HUE, 0.1), (BRIGHTNESS, 1.4), (SATURATION, 0.8)]
    expected = adjust_hue(image, 0.1)
    expected = adjust_brightness(expected, 1.4)
    expected = adjust_saturation(expected, 0.8)
    assert (jitter_colours(image, jitter) == expected).all()
    other = jitter_colours(image, jitter[::-1])
    assert (other != expected).any()
    contrast = jitter_colours(image, [(CONTRAST, 0.6)])
    assert (contrast == adjust_contrast(image, 0.6)).all()
