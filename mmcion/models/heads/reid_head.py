"""ReIDHead: identities as classes, and triplets, for supervised training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mmcion.registry import MODELS


@MODELS.register_module()
class ReIDHead(nn.Module):
    """Classify the identities of the training data; not used in a test.

    Source: Luo et al., "Bag of tricks and a strong baseline for deep person
    re-identification" (CVPRW 2019), sections 2.4 and 2.6.

    Args:
        num_classes: identities of the training data.
        in_channels: dimensions D of the features.
        label_smoothing: share of the target that is spread over all classes,
            in [0, 1].
        triplet: config of a loss of the features before normalisation.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        label_smoothing: float = 0.0,
        triplet: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if num_classes < 1 or not 0 <= label_smoothing <= 1:
            raise ValueError(
                f'num_classes must be >= 1 and label_smoothing in [0, 1]; '
                f'got {num_classes} and {label_smoothing}'
            )
        self.num_classes = num_classes
        self.in_channels = in_channels
        self.label_smoothing = label_smoothing
        self.classifier = nn.Linear(in_channels, num_classes, bias=False)
        nn.init.normal_(self.classifier.weight, std=0.001)
        self.triplet = MODELS.build(triplet) if triplet else None

    def forward(self, feats: Tensor) -> Tensor:
        """Map features ``(N, D)`` to logits ``(N, num_classes)``."""
        return self.classifier(feats)

    def loss(
        self, before: Tensor, after: Tensor, pids: Sequence[int]
    ) -> dict[str, Tensor]:
        """Return ``loss_id`` and, with ``triplet``, ``loss_triplet``.

        Args:
            before: ``(N, D)``, for distances.
            after: ``(N, D)``, for classes.
            pids: N labels.

        Raises:
            ValueError: if a label is no class.
        """
        if min(pids) < 0 or max(pids) >= self.num_classes:
            raise ValueError(
                f'labels must be in [0, {self.num_classes}); a batch has '
                f'labels from {min(pids)} to {max(pids)}, so the data has at '
                f'least {max(pids) + 1} identities: set '
                f'model.head.num_classes to their number. Identities must be '
                f'numbered from 0, as split="train" of a dataset does.'
            )
        labels = torch.tensor(pids, device=after.device)
        losses = {
            'loss_id': cross_entropy(
                self(after), labels, label_smoothing=self.label_smoothing
            )
        }
        if self.triplet is not None:
            losses['loss_triplet'] = self.triplet(before, labels)
        return losses
