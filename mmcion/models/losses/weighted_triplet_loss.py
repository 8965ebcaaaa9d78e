"""Triplet loss over all pairs of a batch, weighted by their distance."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from mmcion.registry import MODELS
from mmcion.utils.checks import check_at_least

from .triplet_loss import pair_distances


def weighted_triplet_loss(
    feats: Tensor, pids: Tensor, eps: float = 0.0
) -> Tensor:
    r"""Compare every image with all positives and negatives.

    .. math::
        \mathrm{mean}_a \log\bigl(1 + \exp(\sum_p w_p D(f_a, f_p)
        - \sum_n w_n D(f_a, f_n))\bigr)

    D is the Euclidean distance. The weights are a softmax of D over the
    positives, the image itself included, and of -D over the negatives. There
    is no margin. Source: Ye et al., "Deep learning for person
    re-identification: a survey and outlook" (TPAMI 2021), section 4.1.

    - A batch of one identity has no negatives, and loss 0.
    - Under several ranks each weighs its own batch.

    Args:
        feats: ``(N, D)`` features of N images.
        pids: ``(N,)`` integers.
        eps: Added to the denominators of the weights. 0 is the formula. The
            published code has 1e-6, by which the weights of far negatives
            (from distances of about 12) no longer sum to 1.

    Returns:
        Scalar, float32 or wider.
    """
    with torch.autocast(feats.device.type, enabled=False):
        distance, same = pair_distances(feats, pids)  # (N, N)
        # that of an image to itself, too, as in the published code
        distance = distance.clamp_min(1e-6)
        positive = _weighted_mean(distance, distance, same, eps)
        negative = _weighted_mean(distance, -distance, ~same, eps)
        loss = softplus(positive - negative)
        # without negatives there is nothing to compare with
        return loss.where((~same).any(1), 0).mean()


def _weighted_mean(
    distance: Tensor, scores: Tensor, chosen: Tensor, eps: float
) -> Tensor:
    """Return the mean ``(N,)`` of chosen distances with softmax weights."""
    scores = scores.masked_fill(~chosen, -torch.inf)
    # The largest score becomes 0; with eps it counts which does. That of the
    # published code is the maximum of score * mask, which is 0 for negatives.
    floor = 0.0 if eps else torch.finfo(scores.dtype).min
    shift = scores.amax(1, keepdim=True).clamp_min(floor)
    weights = (scores - shift).exp()
    # only a row without any chosen distance has the sum 0
    total = (weights.sum(1, keepdim=True) + eps).clamp_min(1e-30)
    weights = weights / total
    return (weights * distance).sum(1)


@MODELS.register_module()
class WeightedTripletLoss(nn.Module):
    """Module of ``weighted_triplet_loss``.

    Args:
        eps: Added to the denominators of the weights, at least 0.
    """

    def __init__(self, eps: float = 0.0) -> None:
        super().__init__()
        check_at_least(0.0, eps=eps)
        self.eps = eps

    def forward(self, feats: Tensor, pids: Tensor) -> Tensor:
        """Return the loss of features ``(N, D)`` with labels ``(N,)``."""
        return weighted_triplet_loss(feats, pids, self.eps)
