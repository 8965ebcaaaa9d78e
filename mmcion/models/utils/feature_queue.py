"""FeatureQueue: the latest features of all ranks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmcion.utils.checks import check_at_least
from mmcion.utils.dist import gather_rows


class FeatureQueue(nn.Module):
    """Ring buffer of K unit vectors, with the identity of each if wanted.

    It starts with random vectors of no identity (-1). New rows overwrite the
    oldest ones, rank after rank, and wrap round wherever the end comes, so K
    need not be a multiple of a batch. Every rank holds the same queue.
    Source: MoCo (CVPR 2020), whose code refuses other sizes.

    Args:
        size: Number of vectors K.
        channels: Dimensions D of a vector.

    Attributes:
        feats: ``(K, D)``.
        pids: ``(K,)`` int64.
        pointer: Row that is overwritten next, ``()`` int64.
    """

    feats: Tensor
    pids: Tensor
    pointer: Tensor

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        check_at_least(1, size=size, channels=channels)
        self.register_buffer('feats', normalize(torch.randn(size, channels)))
        self.register_buffer('pids', torch.full((size,), -1))
        self.register_buffer('pointer', torch.tensor(0))

    def __len__(self) -> int:
        return len(self.feats)

    @torch.no_grad()
    def enqueue(self, feats: Tensor, pids: Tensor | None = None) -> None:
        """Overwrite the oldest rows by those of all ranks.

        Call it after the loss, which takes the queue before the step. The
        buffers are replaced, so the backward pass still finds the old ones.

        Args:
            feats: ``(N, D)`` unit vectors; N is the same on all ranks.
            pids: ``(N,)`` identities, -1 if None.
        """
        if pids is None:
            pids = torch.full((len(feats),), -1, device=feats.device)
        # (N, D) -> (ranks x N, D), in order of rank
        feats = gather_rows(feats.detach()).to(self.feats.dtype)
        pids = gather_rows(pids)
        count, size = len(feats), len(self)
        # of more rows than there are, the last ones stay
        kept = min(count, size)
        places = torch.arange(count - kept, count, device=feats.device)
        places = (places + self.pointer) % size
        self.feats = self.feats.index_copy(0, places, feats[-kept:])
        self.pids = self.pids.index_copy(0, places, pids[-kept:])
        self.pointer = (self.pointer + count) % size
