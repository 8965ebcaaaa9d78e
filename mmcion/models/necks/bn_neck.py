"""BNNeck: batch normalisation between feature and classifier."""

from __future__ import annotations

from torch import Tensor, nn

from mmcion.registry import MODELS


@MODELS.register_module()
class BNNeck(nn.Module):
    """Give a feature for distances, and its normalised form for classes.

    The normalisation has no shift, so that classes part the space through
    its origin. Source: Luo et al., "Bag of tricks and a strong baseline for
    deep person re-identification" (CVPRW 2019), section 2.6. The embedding
    is for backbones that stay as they are (ours).

    Args:
        in_channels: dimensions d of the pooled features.
        embed_dims: dimensions D of a linear embedding before the
            normalisation; without it D is d.

    Attributes:
        in_channels: d.
        out_channels: D.
    """

    def __init__(
        self, in_channels: int, embed_dims: int | None = None
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.embedding: nn.Module = nn.Identity()
        if embed_dims is not None:
            self.embedding = nn.Linear(in_channels, embed_dims, bias=False)
        self.out_channels = embed_dims or in_channels
        self.bn = nn.BatchNorm1d(self.out_channels)
        self.bn.bias.requires_grad_(False)

    def forward(self, feats: Tensor) -> tuple[Tensor, Tensor]:
        """Map features ``(N, d)`` to those before and after normalising.

        Returns:
            Two tensors ``(N, D)``.
        """
        before = self.embedding(feats)
        return before, self.bn(before)
