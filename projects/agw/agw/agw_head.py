"""Head of AGW: identities, triplets and centres."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmcion.models import ReIDHead
from mmcion.registry import MODELS


@MODELS.register_module()
class AGWHead(ReIDHead):
    """Add a loss on the distance to the centre of an identity.

    Args:
        center: Config of ``CenterLoss`` on the features before normalisation,
            without ``num_classes`` and ``in_channels``.
        num_classes: See ``ReIDHead``.
        in_channels: See ``ReIDHead``.
        options: Further options of ``ReIDHead``.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        center: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(num_classes, in_channels, **options)
        sizes = {'num_classes': num_classes, 'in_channels': in_channels}
        self.center = MODELS.build({**center, **sizes}) if center else None

    def loss(
        self, before: Tensor, after: Tensor, pids: Sequence[int]
    ) -> dict[str, Tensor]:
        """Return the losses of ``ReIDHead`` and ``loss_center``."""
        losses = super().loss(before, after, pids)
        if self.center is not None:
            labels = torch.tensor(pids, device=before.device)
            losses['loss_center'] = self.center(before, labels)
        return losses
