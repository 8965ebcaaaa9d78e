"""ClusterMemory: contrast of features with one centre per cluster."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from mmcion.registry import MODELS
from mmcion.utils.checks import check_choice, check_interval
from mmcion.utils.dist import gather_rows

RULES = ('hard', 'sequential', 'mean')


def updated_centers(
    centers: Tensor,
    feats: Tensor,
    labels: Tensor,
    momentum: float,
    rule: str = 'hard',
) -> Tensor:
    """Move centres towards the features of a batch; the old ones stay.

    ``m <- unit(momentum m + (1 - momentum) f)``, where f is

    - ``'hard'``: the cluster's feature that is least similar to m, the first
      of equal ones;
    - ``'sequential'``: each of its features in turn, in the order of rows;
    - ``'mean'``: their mean.

    Args:
        centers: ``(C, D)`` unit vectors.
        feats: ``(N, D)`` unit vectors.
        labels: ``(N,)`` clusters in [0, C); the others' centres stay.
        momentum: Weight of the old centre, in [0, 1].
        rule: One of ``RULES``.

    Returns:
        ``(C, D)``, the same on every device that gets the same features.

    Source: Dai et al., "Cluster contrast for unsupervised person
    re-identification" (ACCV 2022), equation 5 and its public code;
    ``'mean'`` is ours.
    """
    centers = centers.clone()
    feats = feats.to(centers.dtype)
    if rule == 'hard':
        similarity = (feats * centers[labels]).sum(1)  # (N,)
    for label in labels.unique().tolist():
        rows = (labels == label).nonzero().flatten()
        if rule == 'hard':
            rows = rows[similarity[rows].argmin()][None]
        chosen = feats[rows]  # (n, D)
        if rule == 'mean':
            chosen = chosen.mean(0, keepdim=True)
        for feat in chosen:
            moved = momentum * centers[label] + (1 - momentum) * feat
            centers[label] = normalize(moved, dim=0)
    return centers


@MODELS.register_module()
class ClusterMemory(nn.Module):
    """Classify features by centres that follow them, and move the centres.

    The loss is the cross-entropy of ``f M^T / temperature``, with a gradient
    to the features f only. It takes the centres M as they were before the
    batch, and the centres take the features as they were before the
    optimizer's step. Under several ranks all features move one memory, the
    same on every rank. Source: see ``updated_centers``.

    Centres belong to clusters that are found anew every epoch: they are set
    by ``reset`` and are no part of the weights.

    Args:
        temperature: Divisor of the similarities.
        momentum: See ``updated_centers``.
        rule: See ``updated_centers``.

    Attributes:
        centers: ``(C, D)`` unit vectors; none before ``reset``.
    """

    centers: Tensor

    def __init__(
        self,
        temperature: float = 0.05,
        momentum: float = 0.2,
        rule: str = 'hard',
    ) -> None:
        super().__init__()
        check_interval('(0, inf)', temperature=temperature)
        check_interval('[0, 1]', momentum=momentum)
        check_choice('rule', rule, RULES)
        self.temperature = temperature
        self.momentum = momentum
        self.rule = rule
        self.register_buffer('centers', torch.empty(0, 0), persistent=False)

    def reset(self, centers: Tensor) -> None:
        """Set the centres ``(C, D)``, which are normalised here."""
        self.centers = normalize(centers).to(self.centers.device)

    def forward(self, feats: Tensor, labels: Tensor) -> Tensor:
        """Return the loss, and move the centres if in train mode.

        Args:
            feats: ``(N, D)`` unit vectors.
            labels: ``(N,)`` clusters in [0, C).
        """
        centers = self.centers
        logits = feats.to(centers.dtype) @ centers.T / self.temperature
        loss = cross_entropy(logits, labels)
        if self.training:
            # (N, D) -> (ranks x N, D), in order of rank
            everyone = gather_rows(feats.detach().contiguous())
            clusters = gather_rows(labels)
            # another tensor: the backward pass needs the old one
            self.centers = updated_centers(
                centers, everyone, clusters, self.momentum, self.rule
            )
        return loss
