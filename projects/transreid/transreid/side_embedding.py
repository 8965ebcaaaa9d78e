"""SideEmbedding: tell a transformer which camera an image is from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmcion.utils.checks import UserError, check_at_least, check_choice

UNSEEN = ('mean', 'zero', 'error')


class SideEmbedding(nn.Module):
    """Learn one vector per camera (SIE).

    Source: He et al., "TransReID: transformer-based object re-identification"
    (ICCV 2021), section 3.3. What happens to cameras that were not in the
    training is ours.

    Args:
        num_cameras: Number of cameras C of the training; for cameras with
            views, of pairs, numbered ``camera * views + view``.
        embed_dims: Dimensions d of a token.
        weight: Factor of the vectors, lambda in the paper.
        unseen: What a test adds for a camera that was not in the training,
            or for no camera: the ``'mean'`` of all vectors, ``'zero'``, or an
            ``'error'``.
    """

    def __init__(
        self,
        num_cameras: int,
        embed_dims: int,
        weight: float = 3.0,
        unseen: str = 'mean',
    ) -> None:
        super().__init__()
        check_at_least(1, num_cameras=num_cameras)
        check_choice('unseen_camera', unseen, UNSEEN)
        self.weight, self.unseen = weight, unseen
        self.table = nn.Parameter(torch.empty(num_cameras, embed_dims))
        nn.init.trunc_normal_(self.table, std=0.02)

    def forward(self, cam_ids: Sequence[int] | None) -> Tensor:
        """Return ``(N, d)`` for N cameras, or ``(1, d)`` for none."""
        count = len(self.table)
        ids = [-1] if cam_ids is None else cam_ids
        unseen = sorted({cam for cam in ids if not 0 <= cam < count})
        if unseen and (self.training or self.unseen == 'error'):
            given = 'no camera' if cam_ids is None else f'camera {unseen[0]}'
            raise UserError(
                f'{given} is none of 0 to {count - 1}: set model.backbone.'
                f'num_cameras in training, or unseen_camera=mean in a test.'
            )
        # row C stands for all others
        other = self.table.mean(0, keepdim=True)
        if self.unseen == 'zero':
            other = torch.zeros_like(other)
        rows = [count if cam in unseen else cam for cam in ids]
        return self.weight * torch.cat((self.table, other))[rows]
