"""PNL: pre-training with the noisy labels of a tracker."""

from __future__ import annotations

from typing import Any

from mmengine import MessageHub
from torch import Tensor

from mmcion.models.losses import queue_contrast_loss
from mmcion.registry import MODELS
from mmcion.structures import ReIDDataSample

from .base_pretrainer import pids_of
from .moco import MoCo


@MODELS.register_module()
class PNL(MoCo):
    """``MoCo`` with classification, prototypes and labels that are corrected.

    The student sees the first, weak view, the teacher the second, strong
    one. From ``contrast_epoch`` on, keys of the query's identity are
    positives in the queue, too: the identity of a query is that of the data
    set, those of the queue are corrected ones, as in the public code.
    Source: PNL (CVPR 2022), whose released weights are the query encoder's.

    Args:
        backbone: Config; its last output map is averaged over space.
        projector: Config of ``MLPProjector``, see ``build_on``.
        head: Config of ``PNLHead``, without its channels.
        queue_size: Number of keys that are kept.
        temperature: Divisor of the similarities.
        contrast_epoch: Epoch, counted from 0, from which on the contrast is
            guided by labels; 15 in the published script.
        options: See ``BasePretrainer``.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        projector: dict[str, Any],
        head: dict[str, Any],
        queue_size: int = 65536,
        temperature: float = 0.07,
        contrast_epoch: int = 15,
        **options: Any,
    ) -> None:
        super().__init__(
            backbone, projector, queue_size, temperature, **options
        )
        self.contrast_epoch = contrast_epoch
        layers = self.student.projector
        self.head = MODELS.build(
            head,
            default_args={
                'in_channels': layers.mlp[0].in_features,
                'feat_channels': layers.out_channels,
            },
        )

    def loss(
        self, views: list[Tensor], data_samples: list[ReIDDataSample]
    ) -> dict[str, Tensor]:
        """Return the losses of two views ``(B, 3, h, w)`` of a batch."""
        pids = pids_of(data_samples, views[0])
        keys = self.keys(views[1])
        feats = self.student.pool(views[:1])
        queries = self.student.projector(feats)
        epoch = MessageHub.get_current_instance().get_info('epoch', 0)
        guided = epoch >= self.contrast_epoch
        contrast = queue_contrast_loss(
            queries,
            keys,
            self.queue.feats,
            self.temperature,
            pids=pids if guided else None,
            queue_pids=self.queue.pids,
        )
        losses, corrected = self.head.loss(feats, queries, pids)
        self.queue.enqueue(keys, corrected)
        return {'loss_contrast': contrast, **losses}
