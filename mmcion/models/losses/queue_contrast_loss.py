"""Contrast of queries with their own keys and with a queue of others."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import log_softmax


def queue_contrast_loss(
    queries: Tensor,
    keys: Tensor,
    queue: Tensor,
    temperature: float,
    *,
    pids: Tensor | None = None,
    queue_pids: Tensor | None = None,
) -> Tensor:
    """Compare every query with its key and with all rows of a queue.

    ``-log softmax([q.k, q.queue] / temperature)`` of the own key (InfoNCE,
    MoCo), averaged over queries. With identities, its mean over the
    positives of a query: the own key and all rows of the queue with the
    query's identity (label-guided contrast of PNL, CVPR 2022).

    Args:
        queries: ``(N, D)`` unit vectors.
        keys: ``(N, D)`` unit vectors of other views of the same images.
        queue: ``(K, D)`` unit vectors; no gradient.
        temperature: Positive divisor of the similarities.
        pids: ``(N,)`` identities of the queries; of PNL the data loader's,
            not corrected ones.
        queue_pids: ``(K,)`` identities of the queue, with ``pids``.
    """
    # autocast would compute the similarities in half precision
    with torch.autocast(queries.device.type, enabled=False):
        wide = torch.promote_types(queries.dtype, torch.float32)
        q, k, others = (x.to(wide) for x in (queries, keys.detach(), queue))
        own = (q * k).sum(1, keepdim=True)
        # (N, 1 + K), the own key first
        logits = torch.cat((own, q @ others.T), 1) / temperature
        logp = log_softmax(logits, 1)
        if pids is None or queue_pids is None:
            return -logp[:, 0].mean()
        same = pids[:, None] == queue_pids  # (N, K)
        total = logp[:, 0] + (logp[:, 1:] * same).sum(1)
        return -(total / (1 + same.sum(1))).mean()
