"""ColorStripeDescriptor: what a person wears, without any weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmcion.registry import MODELS


@MODELS.register_module()
class ColorStripeDescriptor(nn.Module):
    """HSV histograms over horizontal stripes, as a unit vector (ours).

    Colour by body height is what tells pedestrians of one video apart best
    when no trained ReID weights are at hand. Expects images in [0, 1]: use
    ``ReIDDataPreprocessor(mean=None, std=None)``. With default arguments
    features have 6 x (24 + 16 + 16) = 336 dimensions.

    Args:
        num_stripes: horizontal stripes of equal height.
        hue_bins: bins of the hue; pixels count by their saturation, because
            a grey pixel's hue is noise.
        saturation_bins: bins of the saturation.
        value_bins: bins of the brightness.
        focus: standard deviation, as a share of the width, of the bell that
            pixels are weighted with across the image: the person stands in
            the middle, the background beside.
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
        if focus <= 0:
            raise ValueError(f'focus must be > 0; got {focus}')
        self.focus = focus
        self.num_stripes = num_stripes
        self.bins = (hue_bins, saturation_bins, value_bins)

    @property
    def out_channels(self) -> int:
        """Dimensions of a feature."""
        return self.num_stripes * sum(self.bins)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Describe ``(N, 3, H, W)`` RGB images in [0, 1].

        Returns:
            One tensor ``(N, out_channels)`` float32 of unit vectors.

        Raises:
            ValueError: if an image has fewer rows than there are stripes.
        """
        num, _, height, width = images.shape
        if height < self.num_stripes:
            raise ValueError(
                f'images must be at least {self.num_stripes} pixels high, '
                f'one per stripe; got {height}'
            )
        hue, saturation, value = rgb_to_hsv(images.float())
        bell = self._bell(width, images.device).expand_as(value)
        channels = (
            (hue, bell * saturation),
            (saturation, bell),
            (value, bell),
        )
        stripe = torch.arange(height, device=images.device)
        stripe = stripe * self.num_stripes // height
        image = torch.arange(num, device=images.device)
        cell = image[:, None] * self.num_stripes + stripe  # (N, H)
        histograms = []
        for (channel, weight), bins in zip(channels, self.bins, strict=True):
            index = (channel * bins).long().clamp_(0, bins - 1)
            index += cell[:, :, None] * bins
            counts = weight.new_zeros(num * self.num_stripes * bins)
            counts.index_add_(0, index.flatten(), weight.flatten())
            histograms.append(counts.view(num, self.num_stripes, bins))
        return (normalize(torch.cat(histograms, 2).sqrt().flatten(1), dim=1),)

    def _bell(self, width: int, device: torch.device) -> Tensor:
        """Return the weights across the image, ``(W,)``."""
        across = (torch.arange(width, device=device) + 0.5) / width - 0.5
        return torch.exp(-((across / self.focus) ** 2) / 2)


def rgb_to_hsv(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Convert RGB in [0, 1] to hue, saturation and value in [0, 1].

    Args:
        images: ``(N, 3, H, W)``.

    Returns:
        Three tensors ``(N, H, W)``; the hue of grey is 0.
    """
    value, largest = images.max(1)
    span = value - images.amin(1)
    saturation = span / value.clamp_min(1e-12)
    red, green, blue = images.unbind(1)
    sector = torch.stack((green - blue, blue - red, red - green), 1)
    offset = sector.gather(1, largest[:, None]).squeeze(1)
    hue = offset / span.clamp_min(1e-12) + 2 * largest
    return torch.where(span > 0, hue / 6 % 1, 0), saturation, value
