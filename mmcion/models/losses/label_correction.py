"""Corrected labels and moving prototypes of PNL."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize


@torch.no_grad()
def correct_labels(
    class_logits: Tensor,
    prototype_logits: Tensor,
    labels: Tensor,
    weight: float = 0.5,
    threshold: float = 0.8,
) -> Tensor:
    """Replace labels where classifier and prototypes are sure of another.

    The class of the largest ``weight softmax(class_logits) + (1 - weight)
    softmax(prototype_logits)`` if that exceeds the threshold, else the label.
    Nothing is remembered: next time it starts from the given labels again.
    Source: PNL (CVPR 2022), section 3.3 and its public code.

    Args:
        class_logits: ``(N, C)`` of the classifier.
        prototype_logits: ``(N, C)`` of the prototypes.
        labels: ``(N,)`` classes of the data set.
        weight: Weight of the classifier, in [0, 1].
        threshold: Least score that changes a label, in [0, 1].

    Returns:
        ``(N,)``.
    """
    wide = torch.promote_types(class_logits.dtype, torch.float32)
    score = torch.lerp(
        prototype_logits.to(wide).softmax(1),
        class_logits.to(wide).softmax(1),
        weight,
    )
    best, found = score.max(1)
    return torch.where(best > threshold, found, labels)


@torch.no_grad()
def moved_prototypes(
    prototypes: Tensor, feats: Tensor, labels: Tensor, momentum: float = 0.999
) -> Tensor:
    """Move prototypes by the features of a batch, one row after the other.

    ``P <- m P + (1 - m) q`` for every row in order, then the L2 norm: the
    first feature of a class becomes its prototype. Several rows of one class
    are one sum (derived), where the published code loops over the batch:
    ``m^n P + (1 - m) sum_i m^(n - i) q_i``. Source: PNL (CVPR 2022),
    section 3.2.

    Args:
        prototypes: ``(C, D)`` unit vectors, zero for classes not yet seen.
        feats: ``(N, D)`` unit vectors.
        labels: ``(N,)`` classes in [0, C).
        momentum: Fraction m of the old prototype that a row keeps.

    Returns:
        ``(C, D)``; the old ones stay.
    """
    classes, group, counts = labels.unique(
        return_inverse=True, return_counts=True
    )
    # (N,) rows of the same class after this one
    later = (labels[:, None] == labels).triu(1).sum(1)
    weight = (1 - momentum) * momentum ** later.to(prototypes.dtype)
    # (N, D) -> (G, D) of the G classes of the batch
    moved = prototypes[classes]
    moved *= (momentum ** counts.to(moved.dtype))[:, None]
    moved.index_add_(0, group, feats.to(moved.dtype) * weight[:, None])
    return prototypes.index_copy(0, classes, normalize(moved, dim=1))
