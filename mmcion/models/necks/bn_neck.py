"""BNNeck: batch normalisation between feature and classifier."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from mmcion.models.utils import last_output, pooled_feature
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
        pooling: Config of a module that pools the backbone's last map, such
            as ``GeneralizedMeanPooling``; without it the mean over space.

    Attributes:
        num_features: D.
    """

    takes_maps: ClassVar[bool] = True  # see ReIDModel

    def __init__(
        self,
        in_channels: int,
        embed_dims: int | None = None,
        pooling: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.pooling = MODELS.build(pooling) if pooling else None
        self.embedding: nn.Module = nn.Identity()
        if embed_dims is not None:
            self.embedding = nn.Linear(in_channels, embed_dims, bias=False)
        self.num_features = embed_dims or in_channels
        self.bn = nn.BatchNorm1d(self.num_features)
        self.bn.bias.requires_grad_(False)

    def forward(
        self, outputs: Tensor | tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor]:
        """Map a backbone's output to ``(N, D)`` before and after normalising.

        Vectors ``(N, d)`` are not pooled.
        """
        if self.pooling is None:
            feats = pooled_feature(outputs)
        else:
            feats = self.pooling(last_output(outputs))
        before = self.embedding(feats)
        return before, self.bn(before)
