"""Centre loss: features stay near the centre of their identity."""

from __future__ import annotations

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from mmcion.registry import MODELS
from mmcion.utils.checks import check_at_least

_MAX = 1e12  # squared distances are cut here, as in the published code


@MODELS.register_module()
class CenterLoss(nn.Module):
    r"""Squared distance of each feature to the centre of its identity.

    .. math:: w\, \mathrm{mean}_i\, |f_i - c_{y_i}|^2

    The centres learn at a rate of their own, by plain gradient descent on the
    loss without the weight w. They are therefore buffers, which every call in
    training moves after the loss is taken, and no optimiser sees them. Source:
    Wen et al., "A discriminative feature learning approach for deep face
    recognition" (ECCV 2016), without its factor 1/2, as in Luo et al., "Bag of
    tricks" (CVPRW 2019), section 2.7.

    Args:
        num_classes: Number of identities C.
        in_channels: Dimensions D of the features.
        weight: w, by which the loss is multiplied.
        lr: Learning rate of the centres.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        weight: float = 5e-4,
        lr: float = 0.5,
    ) -> None:
        super().__init__()
        check_at_least(0.0, weight=weight, lr=lr)
        self.weight, self.lr = weight, lr
        self.centers: Tensor
        centers = torch.randn(num_classes, in_channels)
        self.register_buffer('centers', centers)  # (C, D)

    def forward(self, feats: Tensor, pids: Tensor) -> Tensor:
        """Return the loss of features ``(N, D)`` with labels ``(N,)``."""
        with torch.autocast(feats.device.type, enabled=False):
            # (N, D) copies: moving the centres leaves the graph alone
            gap = feats.to(self.centers.dtype) - self.centers[pids]
            square = gap.pow(2).sum(1).clamp(1e-12, _MAX)  # (N,)
            loss = self.weight * square.mean()
        if self.training:
            self._move(gap.detach(), pids)
        return loss

    @torch.no_grad()
    def _move(self, gap: Tensor, pids: Tensor) -> None:
        """Take one step; the gradient is the mean over all ranks' images."""
        # last row: number of images, since ranks may differ in it
        total = gap.new_zeros(len(self.centers) + 1, gap.shape[1])
        total.index_add_(0, pids, gap)
        total[-1] = len(gap)
        all_reduce(total)
        # d/dc mean |f - c|^2 = -2 (f - c) / N
        self.centers += self.lr * 2 / total[-1] * total[:-1]
