"""ColorStripeDescriptor: colours of the clothes, without any weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmcion.registry import MODELS
from mmcion.utils.checks import UserError, check_interval


@MODELS.register_module()
class ColorStripeDescriptor(nn.Module):
    """HSV histograms over horizontal stripes, as a unit vector (ours).

    Without trained ReID weights, colour by body height separates the
    pedestrians of one video best. Expects images in [0, 1]: use
    ``ReIDDataPreprocessor(mean=None, std=None)``.

    Args:
        num_stripes: Number of horizontal stripes of equal height.
        hue_bins: Number of bins of the hue; pixels are weighted by their
            saturation, because the hue of a grey pixel is noise.
        saturation_bins: Number of bins of the saturation.
        value_bins: Number of bins of the brightness.
        focus: Standard deviation, as a fraction of the width, of the Gaussian
            that weights pixels across the image: the person is in the middle,
            the background at the sides.

    Attributes:
        num_features: Dimensions of a feature.
    """

    def __init__(
        self,
        num_stripes: int = 6,
        hue_bins: int = 24,
        saturation_bins: int = 16,
        value_bins: int = 16,
        focus: float = 0.2,
    ) -> None:
        super().__init__()
        check_interval('(0, inf)', focus=focus)
        self.focus = focus
        self.num_stripes = num_stripes
        self.bins = (hue_bins, saturation_bins, value_bins)
        self.num_features = num_stripes * sum(self.bins)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Map RGB images ``(N, 3, H, W)`` to ``(N, num_features)``."""
        num, _, height, width = images.shape
        if height < self.num_stripes:
            raise UserError(
                f'images must be {self.num_stripes} pixels high; got {height}.'
            )
        hue, saturation, value = rgb_to_hsv(images.float())
        # (W,) Gaussian weights across the image -> (N, H, W)
        across = torch.arange(width, device=images.device) + 0.5
        across = across / width - 0.5
        bell = torch.exp(-((across / self.focus) ** 2) / 2).expand_as(value)
        channels = (
            (hue, bell * saturation),
            (saturation, bell),
            (value, bell),
        )
        # (N, H) index of each row's histogram among all images' stripes
        stripe = torch.arange(height, device=images.device)
        stripe = stripe * self.num_stripes // height
        image = torch.arange(num, device=images.device)
        cell = image[:, None] * self.num_stripes + stripe
        histograms = []
        for (channel, weight), bins in zip(channels, self.bins, strict=True):
            # (N, H, W) index of each pixel's bin
            index = (channel * bins).long().clamp_(0, bins - 1)
            index += cell[:, :, None] * bins
            counts = weight.new_zeros(num * self.num_stripes * bins)
            counts.index_add_(0, index.flatten(), weight.flatten())
            histograms.append(counts.view(num, self.num_stripes, bins))
        # square roots, so that large uniform areas do not dominate
        return (normalize(torch.cat(histograms, 2).sqrt().flatten(1), dim=1),)


def rgb_to_hsv(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Convert RGB ``(N, 3, H, W)`` in [0, 1] to hue, saturation and value.

    These are ``(N, H, W)`` in [0, 1]; the hue of grey is 0.
    """
    value, largest = images.max(1)
    span = value - images.amin(1)  # (N, H, W)
    saturation = span / value.clamp_min(1e-12)
    red, green, blue = images.unbind(1)
    # the hue's offset in the sector of the largest channel, in [-1, 1]
    sector = torch.stack((green - blue, blue - red, red - green), 1)
    offset = sector.gather(1, largest[:, None]).squeeze(1)
    hue = offset / span.clamp_min(1e-12) + 2 * largest
    return torch.where(span > 0, hue / 6 % 1, 0), saturation, value
