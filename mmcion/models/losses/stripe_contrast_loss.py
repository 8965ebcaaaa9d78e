"""Contrast of the stripes of an image with each other."""

from __future__ import annotations

import torch
from mmengine.dist import all_reduce
from torch import Tensor
from torch.nn.functional import softplus


def stripe_contrast_loss(
    queries: Tensor,
    keys: Tensor,
    temperature: float,
    topk_neg: int | None = 1,
    query_visible: Tensor | None = None,
    key_visible: Tensor | None = None,
) -> Tensor:
    r"""Tell the stripes of one image apart, whatever the view.

    Positives of a stripe are the same stripe of other views, negatives their
    other stripes; other images are not compared. With the hardest positive
    p and the k hardest negatives N of stripe s,

    .. math::
        \mathrm{mean}_s \log\bigl(1 + \sum_{n \in N}
        \exp((a_s \cdot n - a_s \cdot p) / \tau)\bigr)

    which is log(1 + k) when all stripes are equal. Without mining it is the
    mean over the views of ``-log softmax`` over their S stripes, log S when
    all are equal. Source: that the contrast is inside of one image, and hard
    mining, are of UP-ReID (CVPR 2022); there is no public code, and the
    formulas and k are ours.

    - Invisible stripes are neither compared nor compared with.
    - A stripe without a visible positive or negative does not count; the loss
      is 0 if none does.
    - Under several ranks the mean over ranks is that of all their stripes.

    Args:
        queries: ``(B, S, D)`` unit vectors of S stripes of B images.
        keys: ``(M, B, S, D)`` unit vectors of M other views; no gradient.
        temperature: Positive divisor of the similarities.
        topk_neg: Number k of hardest negatives, from all views together; None
            for no mining.
        query_visible: ``(B, S)`` bool; all if None.
        key_visible: ``(M, B, S)`` bool; all if None.

    Returns:
        Scalar, float32 or wider.
    """
    num_stripes = queries.shape[1]
    # autocast would compute the similarities in half precision
    with torch.autocast(queries.device.type, enabled=False):
        wide = torch.promote_types(queries.dtype, torch.float32)
        q, k = queries.to(wide), keys.detach().to(wide)
        # (M, B, S, S): stripes of the query view by stripes of the key view
        logits = q @ k.mT / temperature
        same = torch.eye(num_stripes, dtype=torch.bool, device=q.device)
        shown = torch.ones_like(logits, dtype=torch.bool)
        if key_visible is not None:
            shown &= key_visible[..., None, :]
        if query_visible is not None:
            shown &= query_visible[..., None]
        # Finite, so that rows without a comparison have no NaN in their
        # gradient; far below all logits, and half of it can be subtracted.
        floor = torch.finfo(wide).min / 4
        negative = logits.masked_fill(same | ~shown, floor)
        positive = logits.diagonal(dim1=-2, dim2=-1)  # (M, B, S)
        has_positive = shown.diagonal(dim1=-2, dim2=-1)
        if topk_neg is None:
            has_negative = (shown & ~same).any(-1)
        else:
            # views together: (M, B, S, S) -> (1, B, S, M S)
            negative = negative.movedim(0, 2).flatten(2)[None]
            count = min(topk_neg, negative.shape[-1])
            negative = negative.topk(count).values
            has_negative = negative[..., 0] > floor
            hidden = positive.masked_fill(~has_positive, -floor)
            positive = hidden.amin(0, keepdim=True)
            has_positive = has_positive.any(0, keepdim=True)
        counts = has_positive & has_negative
        # log(1 + sum exp(n - p)) of each stripe, (M or 1, B, S)
        gap = negative.logsumexp(-1) - positive.where(counts, 0)
        total = softplus(gap).where(counts, 0).sum()
        # stripes count the same on all ranks, whose gradients are averaged
        number = counts.sum().to(wide)
        all_reduce(number, op='mean')
        return total / number.clamp_min(1e-6)
