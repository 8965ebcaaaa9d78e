"""CircleSoftmax: a classifier of cosines with margins."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, normalize, one_hot, relu

from mmcion.registry import MODELS
from mmcion.utils.checks import check_at_least, check_interval


@MODELS.register_module()
class CircleSoftmax(nn.Module):
    """Return logits that ask more of an image's own class, less of others.

    With c the cosine of a feature and a class weight, margin m and scale s,
    the logit of the own class is s [1 + m - c]+ (c - (1 - m)), that of
    another s [c + m]+ (c - m); no gradient passes the brackets. Source: Sun
    et al., "Circle loss" (CVPR 2020), equations 4 and 6, as in fast-reid.

    Args:
        num_classes: Number of identities in the training data.
        in_channels: Dimensions D of the features.
        scale: s, positive.
        margin: m, in [0, 1].
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        scale: float = 64.0,
        margin: float = 0.35,
    ) -> None:
        super().__init__()
        check_at_least(1, num_classes=num_classes)
        check_interval('(0, inf)', scale=scale)
        check_interval('[0, 1]', margin=margin)
        self.scale = scale
        self.margin = margin
        self.weight = nn.Parameter(torch.empty(num_classes, in_channels))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))

    def forward(self, feats: Tensor, pids: Tensor) -> Tensor:
        """Map features ``(N, D)`` with labels ``(N,)`` to ``(N, classes)``."""
        cosine = self.cosine(feats)
        fixed, m = cosine.detach(), self.margin
        own = relu(1 + m - fixed) * (cosine - (1 - m))
        other = relu(fixed + m) * (cosine - m)
        is_own = one_hot(pids, len(self.weight)).bool()
        return self.scale * torch.where(is_own, own, other)

    def cosine(self, feats: Tensor) -> Tensor:
        """Return the cosines ``(N, classes)``, the logits without margins."""
        return linear(normalize(feats), normalize(self.weight))
