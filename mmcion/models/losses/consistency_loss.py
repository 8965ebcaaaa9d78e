"""Consistency of augmented images with the original ones."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax


def consistency_loss(
    queries: Tensor,
    originals: Tensor,
    references: Tensor | None = None,
    student_temp: float = 0.1,
    teacher_temp: float = 0.1,
) -> Tensor:
    """Compare the student's augmented views with the teacher's originals.

    With references the distributions of the similarities to these:
    KL(p0 || p1), p0 = softmax(originals . references / teacher_temp) and
    p1 = softmax(queries . references / student_temp), averaged over images.
    Without any, 1 - cosine. Source: a consistency with the original image is
    of UP-ReID (CVPR 2022); there is no public code, and both forms are ours.

    Args:
        queries: ``(N, D)`` unit vectors of augmented images.
        originals: ``(N, D)`` unit vectors of the original images; no
            gradient.
        references: ``(K, D)`` unit vectors, such as a queue or the keys of a
            batch; no gradient.
        student_temp: Positive divisor of the similarities of queries.
        teacher_temp: That of originals; a lower one sharpens the target.

    Returns:
        Scalar, float32 or wider.
    """
    # autocast would compute the similarities in half precision
    with torch.autocast(queries.device.type, enabled=False):
        wide = torch.promote_types(queries.dtype, torch.float32)
        q, original = queries.to(wide), originals.detach().to(wide)
        if references is None:
            return 1 - (q * original).sum(1).mean()
        others = references.detach().to(wide)
        # (N, K)
        target = log_softmax(original @ others.T / teacher_temp, 1)
        logp = log_softmax(q @ others.T / student_temp, 1)
        return kl_div(logp, target, reduction='batchmean', log_target=True)
