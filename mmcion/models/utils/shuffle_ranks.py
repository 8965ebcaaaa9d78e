"""Deal a batch anew to the ranks, for batch norm."""

from __future__ import annotations

from collections.abc import Callable

import torch
from mmengine.dist import broadcast, get_rank, get_world_size
from torch import Tensor

from mmcion.utils.dist import gather_rows


@torch.no_grad()
def apply_on_shuffled_ranks(
    network: Callable[..., Tensor], images: Tensor, *others: Tensor
) -> Tensor:
    """Apply a network to images of random ranks, return those of this rank.

    A query and its key are then seldom in batch-norm statistics of the same
    images, by which they could be matched. On one rank there is nothing to
    deal. Source: "shuffling BN" of MoCo (CVPR 2020), section 3.3.

    Args:
        network: Function of images, and of the others, that returns a row
            for each image.
        images: ``(B, ...)`` of this rank; B is the same on all ranks.
        others: What else belongs to each image, ``(B, ...)``.

    Returns:
        Rows of ``images``, in their order, without gradient.
    """
    if get_world_size() == 1:
        return network(images, *others)
    # (B, ...) -> (ranks x B, ...)
    everyone = [gather_rows(x) for x in (images, *others)]
    order = torch.randperm(len(everyone[0])).to(images.device)
    broadcast(order)  # that of rank 0
    start = get_rank() * len(images)
    own = slice(start, start + len(images))
    # row i is of image order[i]
    rows = gather_rows(network(*(x[order[own]] for x in everyone)))
    return rows[order.argsort()[own]]
