"""ClusterContrastHead: features against a memory of clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmcion.registry import MODELS


@MODELS.register_module()
class ClusterContrastHead(nn.Module):
    """Contrast unit features with the clusters of the epoch.

    Source: Dai et al., "Cluster contrast for unsupervised person
    re-identification" (ACCV 2022), section 3.

    Args:
        in_channels: Dimensions D of the features.
        memory: Config of ``ClusterMemory``, which ``PseudoLabelHook`` fills.
    """

    def __init__(self, in_channels: int, memory: dict[str, Any]) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.memory = MODELS.build(memory)

    def loss(
        self, before: Tensor, after: Tensor, pids: Sequence[int]
    ) -> dict[str, Tensor]:
        """Return ``loss_contrast``.

        Args:
            before: Not used.
            after: ``(N, D)`` after batch normalisation.
            pids: N clusters.
        """
        labels = torch.tensor(pids, device=after.device)
        return {'loss_contrast': self.memory(normalize(after), labels)}
