"""ReIDHead: identities as classes, and triplets, for supervised training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcion.models.losses import smoothed_cross_entropy
from mmcion.models.losses.smoothed_cross_entropy import SMOOTHED_OVER
from mmcion.registry import MODELS
from mmcion.utils.checks import (
    UserError,
    check_at_least,
    check_choice,
    check_interval,
)


def class_labels(pids: Sequence[int], num_classes: int) -> Tensor:
    """Return labels as a tensor ``(N,)``; refuse those of no class."""
    if min(pids) < 0 or max(pids) >= num_classes:
        raise UserError(
            f'labels must be in [0, {num_classes}); got {min(pids)} to '
            f'{max(pids)}: set model.head.num_classes.'
        )
    return torch.tensor(pids)


@MODELS.register_module()
class ReIDHead(nn.Module):
    """Classify the identities of the training data; not used in tests.

    Source: Luo et al., "Bag of tricks and a strong baseline for deep person
    re-identification" (CVPRW 2019), sections 2.4 and 2.6.

    Args:
        num_classes: Number of identities in the training data.
        in_channels: Dimensions D of the features.
        label_smoothing: Fraction of the target that is spread over classes,
            in [0, 1].
        smoothed_over: ``'all'`` classes or ``'others'``; see
            ``smoothed_cross_entropy``.
        triplet: Config of a loss on the features before normalisation.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        label_smoothing: float = 0.0,
        smoothed_over: str = 'all',
        triplet: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        check_at_least(1, num_classes=num_classes)
        check_interval('[0, 1]', label_smoothing=label_smoothing)
        check_choice('smoothed_over', smoothed_over, SMOOTHED_OVER)
        self.num_classes = num_classes
        self.label_smoothing = label_smoothing
        self.smoothed_over = smoothed_over
        self.classifier = nn.Linear(in_channels, num_classes, bias=False)
        nn.init.normal_(self.classifier.weight, std=0.001)
        self.triplet = MODELS.build(triplet) if triplet else None

    def loss(
        self, before: Tensor, after: Tensor, pids: Sequence[int]
    ) -> dict[str, Tensor]:
        """Return ``loss_id`` and, with ``triplet``, ``loss_triplet``.

        Args:
            before: ``(N, D)`` before normalising, for the triplets.
            after: ``(N, D)`` after normalising, for the classes.
            pids: N labels in [0, ``num_classes``).
        """
        # BoT, section 2.6: classes need the normalised feature, distances the
        # one before
        labels = class_labels(pids, self.num_classes).to(after.device)
        logits = self.classifier(after)  # (N, num_classes)
        losses = {
            'loss_id': smoothed_cross_entropy(
                logits, labels, self.label_smoothing, self.smoothed_over
            )
        }
        if self.triplet is not None:
            losses['loss_triplet'] = self.triplet(before, labels)
        return losses
