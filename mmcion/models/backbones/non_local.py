"""NonLocalBlock: every position of a map looks at all others."""

from __future__ import annotations

from torch import Tensor, nn

from mmcion.registry import MODELS
from mmcion.utils.checks import check_at_least


@MODELS.register_module()
class NonLocalBlock(nn.Module):
    r"""Add a sum over all positions to a map.

    .. math::
        z = x + \mathrm{BN}\bigl(W\, \tfrac{1}{N} \theta \phi^T g\bigr)

    with 1x1 convolutions :math:`\theta`, :math:`\phi`, g and W over the N
    positions. The normalisation starts at 0, so the block starts as identity
    and pre-trained weights around it keep their meaning. Source: Wang et al.,
    "Non-local neural networks" (CVPR 2018), equation 6 with the dot product
    of section 3.2.

    Args:
        in_channels: Channels C of the map.
        inner_channels: Channels of the three embeddings; C / 2 if None, as
            in the paper and fast-reid. AGW's own code has 1.
    """

    def __init__(
        self, in_channels: int, inner_channels: int | None = None
    ) -> None:
        super().__init__()
        if inner_channels is None:
            inner_channels = max(in_channels // 2, 1)
        check_at_least(1, inner_channels=inner_channels)
        self.theta, self.phi, self.g = (
            nn.Conv2d(in_channels, inner_channels, 1) for _ in range(3)
        )
        norm = nn.BatchNorm2d(in_channels)
        nn.init.zeros_(norm.weight)
        nn.init.zeros_(norm.bias)
        # named as in the published code
        self.W = nn.Sequential(nn.Conv2d(inner_channels, in_channels, 1), norm)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        # (B, C, H, W) -> (B, c, N)
        theta, phi, g = (
            conv(x).flatten(2) for conv in (self.theta, self.phi, self.g)
        )
        # Without a softmax the product can be taken from the right, which
        # needs (B, c, c) in place of (B, N, N): theta^T (phi g^T) / N.
        mixed = g @ (phi / phi.shape[-1]).transpose(1, 2)  # (B, c, c)
        y = (mixed @ theta).unflatten(2, x.shape[2:])
        return x + self.W(y)
