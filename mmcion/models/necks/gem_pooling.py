"""GeneralizedMeanPooling: between the mean and the maximum of a map."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmcion.registry import MODELS
from mmcion.utils.checks import check_interval


@MODELS.register_module()
class GeneralizedMeanPooling(nn.Module):
    r"""Pool a map to a vector by a power mean over space (GeM).

    .. math::
        \left(\mathrm{mean}_{hw}\, \max(x, \epsilon)^p\right)^{1/p}

    p = 1 is the mean, and large p come near the maximum. Source: Radenovic et
    al., "Fine-tuning CNN image retrieval with no human annotation" (TPAMI
    2019), equation 3; clamped as in fast-reid.

    Args:
        p: Exponent, or its value at the start.
        trainable: Whether p is learned, one scalar for all channels.
        eps: Positive number that keeps the gradient of the root finite.
        eps_in_mean: Add ``eps`` to the mean instead of clamping the map, as
            the code of cross-modal AGW does (with 1e-12). For maps that are
            not negative.
    """

    p: Tensor | float

    def __init__(
        self,
        p: float = 3.0,
        *,
        trainable: bool = True,
        eps: float = 1e-6,
        eps_in_mean: bool = False,
    ) -> None:
        super().__init__()
        check_interval('(0, inf)', p=p)
        check_interval('(0, inf)', eps=eps)
        self.p = nn.Parameter(torch.full((1,), p)) if trainable else p
        self.eps = eps
        self.eps_in_mean = eps_in_mean

    def forward(self, feature_map: Tensor) -> Tensor:
        """Map ``(N, d, h, w)`` to ``(N, d)``."""
        if self.eps_in_mean:
            mean = feature_map.pow(self.p).mean((2, 3)) + self.eps
        else:
            mean = feature_map.clamp(min=self.eps).pow(self.p).mean((2, 3))
        return mean.pow(1 / self.p)
