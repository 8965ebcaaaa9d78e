"""Augmentations of images, on uint8 arrays.

Images are RGB, ``(H, W, 3)``. Results equal Pillow's, which the authors use,
within rounding. With OpenCV ten views take a fifth of Pillow's time and a
tenth of torchvision's.
"""

from __future__ import annotations

import math
from random import Random

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from mmcion.structures.view_plan import BRIGHTNESS, CONTRAST, HUE, SATURATION

_ATTEMPTS = 10  # as torchvision
_LEVELS = np.arange(256, dtype=np.float32)
_IDENTITY = _LEVELS.astype(np.uint8)
_INVERTED = np.where(_LEVELS < 128, _LEVELS, 255 - _LEVELS).astype(np.uint8)

Box = tuple[int, int, int, int]  # top, left, height and width
Jitter = list[tuple[int, float]]  # changes, as in ViewPlan, and amounts


def random_box(
    size: tuple[int, int],
    scale: tuple[float, float],
    ratio: tuple[float, float],
    rng: Random,
) -> Box:
    """Draw a crop as torchvision's ``RandomResizedCrop`` does.

    Args:
        size: Height and width of the image.
        scale: Range of the cropped fraction of the image's area.
        ratio: Range of width / height, drawn log-uniformly.
        rng: Source of randomness.

    Returns:
        Top, left, height and width.
    """
    height, width = size
    low, high = math.log(ratio[0]), math.log(ratio[1])
    for _ in range(_ATTEMPTS):
        area = height * width * rng.uniform(*scale)
        proportion = math.exp(rng.uniform(low, high))
        w = round(math.sqrt(area * proportion))
        h = round(math.sqrt(area / proportion))
        if 0 < w <= width and 0 < h <= height:
            top, left = rng.randint(0, height - h), rng.randint(0, width - w)
            return top, left, h, w
    # no draw fits: the largest centred crop with an allowed ratio
    proportion = min(max(width / height, ratio[0]), ratio[1])
    h = min(height, round(width / proportion))
    w = min(width, round(height * proportion))
    return (height - h) // 2, (width - w) // 2, h, w


def resize_crop(image: Tensor, box: Box, size: tuple[int, int]) -> np.ndarray:
    """Crop a box and resize it, bicubic and antialiased.

    ``(3, H, W) -> (h, w, 3)``, uint8; ``size`` is (h, w).
    """
    top, left, height, width = box
    crop = image[None, :, top : top + height, left : left + width]
    # torch has a fast uint8 kernel for channels_last only
    crop = crop.contiguous(memory_format=torch.channels_last)
    view = interpolate(crop, size=size, mode='bicubic', antialias=True)
    return np.ascontiguousarray(view[0].permute(1, 2, 0).numpy())


def jitter_colours(image: np.ndarray, jitter: Jitter) -> np.ndarray:
    """Apply changes of colour one after the other."""
    for change, amount in jitter:
        image = _CHANGES[change](image, amount)
    return image


def adjust_brightness(image: np.ndarray, factor: float) -> np.ndarray:
    """Scale all values."""
    return cv2.LUT(image, _table(_LEVELS * factor))


def adjust_contrast(image: np.ndarray, factor: float) -> np.ndarray:
    """Scale the distance to the mean grey of the image."""
    mean = cv2.mean(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))[0]
    return cv2.LUT(image, _table(mean + (_LEVELS - mean) * factor))


def adjust_saturation(image: np.ndarray, factor: float) -> np.ndarray:
    """Scale the distance of colours to their grey."""
    return cv2.addWeighted(image, factor, to_grey(image), 1 - factor, 0)


def adjust_hue(image: np.ndarray, shift: float) -> np.ndarray:
    """Shift the hue by a fraction of a turn of the colour wheel."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL)
    # OpenCV scales the hue by 256 from RGB, but by 255 back to RGB
    turned = (_LEVELS + shift * 256) % 256 * (255 / 256)
    table = np.stack((_table(turned), _IDENTITY, _IDENTITY), axis=-1)
    return cv2.cvtColor(cv2.LUT(hsv, table[None]), cv2.COLOR_HSV2RGB_FULL)


_CHANGES = {
    BRIGHTNESS: adjust_brightness,
    CONTRAST: adjust_contrast,
    SATURATION: adjust_saturation,
    HUE: adjust_hue,
}


def to_grey(image: np.ndarray) -> np.ndarray:
    """Return the grey of each pixel in three channels."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Blur with a Gaussian; the border is replicated."""
    border = cv2.BORDER_REPLICATE
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=border)


def solarize(image: np.ndarray) -> np.ndarray:
    """Invert the values of 128 and more."""
    return cv2.LUT(image, _INVERTED)


def _table(levels: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
