"""Triplet loss with the hardest positive and negative of a batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from mmcion.registry import MODELS
from mmcion.utils.checks import UserError, check_at_least
from mmcion.utils.dist import gather_rows


def pair_distances(feats: Tensor, pids: Tensor) -> tuple[Tensor, Tensor]:
    """Return Euclidean distances, and which pairs are of one identity.

    Call it without autocast.

    Args:
        feats: ``(N, D)`` features of N images.
        pids: ``(N,)`` integers.

    Returns:
        ``(N, N)`` float32 or wider, and ``(N, N)`` bool.
    """
    if feats.dim() != 2 or pids.shape != feats.shape[:1]:
        raise UserError(
            f'feats must be (N, D) and pids (N,); got {tuple(feats.shape)} '
            f'and {tuple(pids.shape)}.'
        )
    feats = feats.to(torch.promote_types(feats.dtype, torch.float32))
    # from differences, not scalar products: close features keep their digits
    distance = torch.cdist(
        feats, feats, compute_mode='donot_use_mm_for_euclid_dist'
    )
    return distance, pids[:, None] == pids


def batch_hard_triplet_loss(
    feats: Tensor, pids: Tensor, margin: float | None = 0.3
) -> Tensor:
    r"""Compare every image with its hardest positive and negative.

    .. math::
        \mathrm{mean}_a\, \max(0, m + \max_{p: y_p = y_a} D(f_a, f_p)
        - \min_{n: y_n \neq y_a} D(f_a, f_n))

    D is the Euclidean distance. The soft margin takes log(1 + exp(x)) in
    place of max(0, m + x). Source: Hermans et al., "In defense of the
    triplet loss for person re-identification" (arXiv 1703.07737), equation 5
    and section 3.2; the mean in place of the sum as in their code.

    - An image is a positive of itself, at distance 0, if it has no other.
    - A batch of one identity has no negatives, and loss 0.
    - The gradient of a distance of 0 is 0.
    - Under several ranks each mines its own batch; see ``TripletLoss``.

    Args:
        feats: ``(N, D)`` features of N images.
        pids: ``(N,)`` integers.
        margin: m, at least 0; None for the soft margin.

    Returns:
        Scalar, float32 or wider.
    """
    with torch.autocast(feats.device.type, enabled=False):
        distance, same = pair_distances(feats, pids)  # (N, N)
        # (N, N) -> (N,) hardest of each image
        positive = distance.masked_fill(~same, 0).amax(1)
        negative = distance.masked_fill(same, torch.inf).amin(1)
        gap = positive - negative
        loss = softplus(gap) if margin is None else relu(gap + margin)
        # of one identity only, every gap is -inf and every loss 0
        return loss.mean()


@MODELS.register_module()
class TripletLoss(nn.Module):
    """Module of ``batch_hard_triplet_loss``.

    Args:
        margin: At least 0; None for the soft margin.
        gather: Whether to mine among the images of all ranks, which must have
            as many each. Every rank computes the whole loss, and its gradient
            reaches its own images only; so the mean over W ranks, as DDP
            takes it, is 1 / W of the gradient of one process. Source:
            fast-reid.
    """

    def __init__(
        self, margin: float | None = 0.3, gather: bool = False
    ) -> None:
        super().__init__()
        if margin is not None:
            check_at_least(0.0, margin=margin)
        self.margin = margin
        self.gather = gather

    def forward(self, feats: Tensor, pids: Tensor) -> Tensor:
        """Return the loss of features ``(N, D)`` with labels ``(N,)``."""
        if self.gather:
            feats, pids = gather_rows(feats), gather_rows(pids)
        return batch_hard_triplet_loss(feats, pids, self.margin)
