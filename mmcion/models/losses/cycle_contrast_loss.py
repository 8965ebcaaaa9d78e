"""Cycle contrast: the parts of two modalities find each other."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from mmcion.utils.checks import check_choice

QUERIES = ('visible', 'thermal', 'both')


def cycle_contrast_loss(
    visible: Tensor,
    thermal: Tensor,
    temperature: float = 0.07,
    retrieval_temp: float = 0.07,
    *,
    queries: str = 'both',
    exclude_self: bool = False,
    detach_bank: bool = False,
    renormalize: bool = True,
) -> Tensor:
    r"""Let what a part retrieves from both modalities agree.

    .. math::
        r_m(q) = \sum_{u \in U_m} \mathrm{softmax}_u(q^T u / T)\, u, \quad
        L = -\mathrm{mean}_i \log \frac{\exp(r_t(i)^T r_v(i) / \tau)}
        {\sum_j \exp(r_t(i)^T r_v(j) / \tau)}

    and the same in the other direction, averaged. :math:`U_m` are all parts
    of a modality in the batch, so parts match by content, never by place or
    label.

    Source: MMGL (Wan et al., IEEE TIFS 2023). Its figure has the retrieval
    from both modalities and the positive pair; :math:`\tau` = 0.07 stands in
    a log of its runs. There is no public code, and the rest is our reading: T
    and the softmax of cosines, both directions, and all options below.

    Args:
        visible: ``(P, D)`` unit vectors of parts.
        thermal: ``(Q, D)``.
        temperature: :math:`\tau`.
        retrieval_temp: T.
        queries: Parts that retrieve: ``'visible'``, ``'thermal'``, ``'both'``.
        exclude_self: Whether a part cannot retrieve itself.
        detach_bank: Whether no gradient reaches what is retrieved.
        renormalize: Whether retrieved vectors are scaled to length 1. A mean
            of unit vectors is shorter, so the logits would shrink.

    Returns:
        Scalar, float32 or wider, also under autocast.
    """
    check_choice('queries', queries, QUERIES)
    with torch.autocast(visible.device.type, enabled=False):
        dtype = torch.promote_types(visible.dtype, torch.float32)
        banks = [part.to(dtype) for part in (visible, thermal)]
        chosen = (0, 1) if queries == 'both' else (QUERIES.index(queries),)
        asking = torch.cat([banks[m] for m in chosen])  # (N, D)
        found = []
        for modality, bank in enumerate(banks):
            scores = asking @ bank.T / retrieval_temp  # (N, P or Q)
            if exclude_self and modality in chosen:
                # the bank's own parts are a block of rows
                first = len(banks[0]) if chosen[0] != modality else 0
                scores.diagonal(-first).fill_(-torch.inf)
            weights = scores.softmax(1)
            # (N, D) what every query retrieves
            found.append(weights @ (bank.detach() if detach_bank else bank))
        if renormalize:
            found = [normalize(each) for each in found]
        logits = found[1] @ found[0].T / temperature  # (N, N)
        own = torch.arange(len(logits), device=logits.device)
        there, back = (cross_entropy(x, own) for x in (logits, logits.T))
        return (there + back) / 2
