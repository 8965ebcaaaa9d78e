"""PNLHead: classifier and prototypes of PNL."""

from __future__ import annotations

import torch
from mmengine import MessageHub
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mmcion.models.losses import correct_labels, moved_prototypes
from mmcion.registry import MODELS
from mmcion.utils.checks import check_at_least, check_interval
from mmcion.utils.dist import gather_rows


@MODELS.register_module()
class PNLHead(nn.Module):
    """Classify by a linear layer and by prototypes, and correct the labels.

    Prototypes are moving averages of the queries of their class, the same on
    every rank. Source: PNL (CVPR 2022), ``lup_pnl`` of its public code;
    epochs count from 0.

    Args:
        num_classes: Number of identities C.
        in_channels: Dimensions d of the pooled features.
        feat_channels: Dimensions D of the queries.
        hidden_channels: Width of the layer before the classifier.
        temperature: Divisor of the similarities to prototypes.
        momentum: Fraction of a prototype that a query keeps.
        classifier_weight: Weight of the classifier in the score that corrects
            labels; the prototypes have the rest.
        threshold: Least score that changes a label.
        prototype_epoch: Epoch from which on prototypes have a loss.
        correction_epoch: Epoch from which on labels are corrected.
    """

    prototypes: Tensor

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        feat_channels: int = 128,
        hidden_channels: int = 256,
        temperature: float = 0.07,
        momentum: float = 0.999,
        classifier_weight: float = 0.5,
        threshold: float = 0.8,
        prototype_epoch: int = 1,
        correction_epoch: int = 11,
    ) -> None:
        super().__init__()
        check_at_least(1, num_classes=num_classes)
        check_interval('(0, inf)', temperature=temperature)
        check_interval(
            '[0, 1]',
            momentum=momentum,
            classifier_weight=classifier_weight,
            threshold=threshold,
        )
        self.num_classes = num_classes
        self.temperature = temperature
        self.momentum = momentum
        self.classifier_weight = classifier_weight
        self.threshold = threshold
        self.prototype_epoch = prototype_epoch
        self.correction_epoch = correction_epoch
        self.embed = nn.Linear(in_channels, hidden_channels)
        self.classifier = nn.Linear(hidden_channels, num_classes)
        nn.init.kaiming_normal_(
            self.embed.weight, mode='fan_out', nonlinearity='relu'
        )
        nn.init.normal_(self.classifier.weight, std=0.001)
        for layer in (self.embed, self.classifier):
            nn.init.zeros_(layer.bias)
        shape = num_classes, feat_channels
        self.register_buffer('prototypes', torch.zeros(shape))

    def loss(
        self, feats: Tensor, queries: Tensor, labels: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Return the losses of a batch and its labels, maybe corrected.

        Prototypes move after the loss, which takes them before the step.

        Args:
            feats: ``(N, d)`` pooled features.
            queries: ``(N, D)`` unit vectors.
            labels: ``(N,)`` identities of the data set.
        """
        epoch = MessageHub.get_current_instance().get_info('epoch', 0)
        class_logits = self.classifier(self.embed(feats).relu())
        # autocast would compute the similarities in half precision
        with torch.autocast(queries.device.type, enabled=False):
            prototype_logits = (
                queries.to(self.prototypes.dtype) @ self.prototypes.T
            ) / self.temperature
        if epoch >= self.correction_epoch:
            labels = correct_labels(
                class_logits,
                prototype_logits,
                labels,
                self.classifier_weight,
                self.threshold,
            )
        losses = {'loss_class': cross_entropy(class_logits, labels)}
        if epoch >= self.prototype_epoch:
            losses['loss_prototype'] = cross_entropy(prototype_logits, labels)
        # (N, D) -> (ranks x N, D), in order of rank
        self.prototypes = moved_prototypes(
            self.prototypes,
            gather_rows(queries.detach()),
            gather_rows(labels),
            self.momentum,
        )
        return losses, labels
