"""BNNeck: batch normalisation between feature and classifier."""

from __future__ import annotations

from torch import Tensor, nn

from mmcion.registry import MODELS


@MODELS.register_module()
class BNNeck(nn.Module):
    """Return a feature for distances, and its normalised form for classes.

    The normalisation has no shift, so that the classifier's hyperplanes pass
    through the origin. Source: Luo et al., "Bag of tricks and a strong
    baseline for deep person re-identification" (CVPRW 2019), section 2.6. The
    embedding is for frozen backbones (ours).

    Args:
        in_channels: Dimensions d of the pooled features.
        embed_dims: Dimensions D of a linear embedding before the
            normalisation; without it D is d.

    Attributes:
        num_features: D.
    """

    def __init__(
        self, in_channels: int, embed_dims: int | None = None
    ) -> None:
        super().__init__()
        self.embedding: nn.Module = nn.Identity()
        if embed_dims is not None:
            self.embedding = nn.Linear(in_channels, embed_dims, bias=False)
        self.num_features = embed_dims or in_channels
        self.bn = nn.BatchNorm1d(self.num_features)
        self.bn.bias.requires_grad_(False)

    def forward(self, feats: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(N, d)`` to ``(N, D)`` before and after normalising."""
        before = self.embedding(feats)
        return before, self.bn(before)
