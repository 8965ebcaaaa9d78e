"""Batched changes against those of one image at a time."""

import cv2
import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate
from torchvision.transforms import functional as reference

from mmcion.models.utils import batched_ops
from mmcion.models.utils.batched_ops import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    blur,
    blur_matrix,
    resize_matrix,
    solarize,
    to_grey,
)

FACTORS = (0.6, 0.93, 1.0, 1.4)


@pytest.fixture
def images():
    """Smooth colours with some noise, one image for each factor."""
    rng = np.random.default_rng(0)
    found = []
    for _ in FACTORS:
        coarse = rng.integers(0, 256, (8, 4, 3), np.uint8)
        smooth = cv2.resize(coarse, (30, 60), interpolation=cv2.INTER_CUBIC)
        found.append(smooth + rng.normal(0, 4, smooth.shape))
    images = torch.tensor(np.array(found)).permute(0, 3, 1, 2)
    return images.clamp(0, 255).float()


@pytest.mark.parametrize('name', ['brightness', 'contrast', 'saturation'])
def test_factors(images, name):
    change = getattr(batched_ops, f'adjust_{name}')
    expected = getattr(reference, f'adjust_{name}')
    found = change(images, torch.tensor(FACTORS)) / 255
    for image, factor, one in zip(images, FACTORS, found, strict=True):
        wanted = expected(image / 255, factor)
        # torchvision rounds the weights of grey to four digits
        torch.testing.assert_close(one, wanted, rtol=0, atol=2e-4)


def test_hue(images):
    shifts = torch.tensor([-0.1, -0.02, 0.0, 0.5])
    found = adjust_hue(images, shifts) / 255
    for image, shift, one in zip(images, shifts, found, strict=True):
        wanted = reference.adjust_hue(image / 255, float(shift))
        torch.testing.assert_close(one, wanted, rtol=0, atol=1e-4)


def test_hue_of_greys_black_and_white_stays():
    image = torch.tensor([0.0, 100.0, 255.0]).expand(1, 3, 1, 3)
    torch.testing.assert_close(adjust_hue(image, torch.tensor([0.1])), image)


def test_grey_and_solarize(images):
    wanted = reference.rgb_to_grayscale(images / 255) * 255
    torch.testing.assert_close(to_grey(images), wanted, rtol=0, atol=0.05)
    levels = images.round()
    wanted = torch.where(levels < 128, levels, 255 - levels)
    assert torch.equal(solarize(levels), wanted)


def test_changes_leave_their_input_alone(images):
    before = images.clone()
    amount = torch.tensor(FACTORS)
    for change in (
        adjust_brightness,
        adjust_contrast,
        adjust_saturation,
        adjust_hue,
    ):
        change(images, amount)
    blur(images, amount, 4), to_grey(images), solarize(images)
    assert torch.equal(images, before)


def test_blur_is_opencvs(images):
    sigmas = torch.tensor([0.1, 0.5, 1.0, 2.0])
    found = blur(images, sigmas, reach=8)
    for image, sigma, one in zip(images, sigmas, found, strict=True):
        wanted = cv2.GaussianBlur(
            image.permute(1, 2, 0).numpy(),
            (17, 17),
            float(sigma),
            borderType=cv2.BORDER_REPLICATE,
        )
        difference = one.permute(1, 2, 0) - torch.from_numpy(wanted)
        assert difference.abs().max() < 1e-3


def test_blur_of_an_axis_shorter_than_its_reach_keeps_the_mean():
    matrix = blur_matrix(torch.tensor([2.0, 0.0]), size=3, reach=8)
    torch.testing.assert_close(matrix.sum(-1), torch.ones(2, 3))
    torch.testing.assert_close(matrix[1], torch.eye(3))


@pytest.mark.parametrize('out_size', [1, 7, 30, 64, 200])
@pytest.mark.parametrize(('start', 'length'), [(0, 60), (11, 37), (59, 1)])
def test_resizing_is_torchs(images, start, length, out_size):
    place = torch.tensor([start]), torch.tensor([length])
    matrix = resize_matrix(*place, images.shape[2], out_size)[0]
    part = images[:, :, start : start + length]
    wanted = interpolate(
        part,
        size=(out_size, part.shape[3]),
        mode='bicubic',
        antialias=True,
    )
    torch.testing.assert_close(matrix @ images, wanted, rtol=0, atol=2e-3)


def test_every_image_has_its_own_part():
    starts, lengths = torch.tensor([[0, 5], [2, 9]]), torch.tensor([[4, 3]])
    together = resize_matrix(starts, lengths.expand(2, 2), 12, 6)
    assert together.shape == (2, 2, 6, 12)
    one = resize_matrix(starts[1, 0], lengths[0, 0], 12, 6)
    assert torch.equal(together[1, 0], one)
