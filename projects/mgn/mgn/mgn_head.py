"""MGNHead: the losses of eight features."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmcion.models import CircleSoftmax, TripletLoss, smoothed_cross_entropy
from mmcion.models.heads.reid_head import class_labels
from mmcion.registry import MODELS

from .mgn_neck import PIECES


@MODELS.register_module()
class MGNHead(nn.Module):
    """Classify the identities by each feature, and compare images by five.

    The mean of eight cross-entropies and the mean of five triplet losses: of
    the three whole maps, the two halves together and the three thirds
    together. Both are of features after normalising, and triplets are mined
    among the images of all ranks. Source: fast-reid's MGN with the settings
    of CION.

    Args:
        num_classes: Number of identities in the training data.
        in_channels: Dimensions of all eight features together.
        label_smoothing: Fraction of the target that is spread over the other
            classes, in [0, 1].
        scale: Scale of ``CircleSoftmax``.
        margin: Margin of ``CircleSoftmax``.
        triplet_margin: Margin of the triplets; None for the soft margin.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        label_smoothing: float = 0.1,
        scale: float = 64.0,
        margin: float = 0.35,
        triplet_margin: float | None = None,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.label_smoothing = label_smoothing
        width = in_channels // len(PIECES)
        self.classifiers = nn.ModuleDict(
            {
                n: CircleSoftmax(num_classes, width, scale, margin)
                for n in PIECES
            }
        )
        self.triplet = TripletLoss(triplet_margin, gather=True)

    def loss(
        self, before: Tensor, after: Tensor, pids: Sequence[int]
    ) -> dict[str, Tensor]:
        """Return ``loss_id``, ``loss_triplet`` and ``accuracy``.

        The last, for the log, is the fraction of images whose identity has the
        largest cosine, without margins, as a mean over the eight features.

        Args:
            before: Not used.
            after: ``(N, 8 D)`` after normalising.
            pids: N labels in [0, ``num_classes``).
        """
        labels = class_labels(pids, self.num_classes).to(after.device)
        parts = after.chunk(len(PIECES), 1)  # (N, D) each
        classified, correct = [], []
        for classifier, part in zip(
            self.classifiers.values(), parts, strict=True
        ):
            logits = classifier(part, labels)
            classified.append(
                smoothed_cross_entropy(
                    logits, labels, self.label_smoothing, 'others'
                )
            )
            # margins lower the own class: they would hide what is learnt
            cosine = classifier.cosine(part.detach())
            correct.append((cosine.argmax(1) == labels).float())
        # (N, D) three times, (N, 2 D) and (N, 3 D)
        compared = (
            *parts[:3],
            torch.cat(parts[3:5], 1),
            torch.cat(parts[5:], 1),
        )
        triplets = [self.triplet(feats, labels) for feats in compared]
        return {
            'loss_id': torch.stack(classified).mean(),
            'loss_triplet': torch.stack(triplets).mean(),
            'accuracy': torch.stack(correct).mean(),
        }
