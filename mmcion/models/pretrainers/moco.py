"""MoCo: contrast with a queue of keys, as LUP pre-trains with it."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmcion.models.losses import queue_contrast_loss
from mmcion.models.utils import FeatureQueue
from mmcion.models.utils.shuffle_ranks import apply_on_shuffled_ranks
from mmcion.registry import MODELS
from mmcion.structures import ReIDDataSample
from mmcion.utils.checks import check_interval

from .base_pretrainer import BasePretrainer


@MODELS.register_module()
class MoCo(BasePretrainer):
    """Tell an image's second view from the views of earlier images.

    The student (query encoder) sees the first view, the teacher (key encoder)
    the second one. Identities are not used. Source: MoCo v2 (arXiv
    2003.04297), and LUP (CVPR 2021) for persons, whose released weights are
    the query encoder's.

    Where several batches make a step, each enters the queue after its own
    loss, so later ones are compared with earlier ones.

    Args:
        backbone: Config; its last output map is averaged over space.
        projector: Config of ``MLPProjector``, see ``build_on``.
        queue_size: Number of keys that are kept.
        temperature: Divisor of the similarities; LUP's value.
        options: See ``BasePretrainer``.
    """

    released = 'student'

    def __init__(
        self,
        backbone: dict[str, Any],
        projector: dict[str, Any],
        queue_size: int = 65536,
        temperature: float = 0.1,
        **options: Any,
    ) -> None:
        super().__init__(backbone, projector, **options)
        check_interval('(0, inf)', temperature=temperature)
        self.temperature = temperature
        channels = self.student.projector.out_channels
        self.queue = FeatureQueue(queue_size, channels)

    def loss(
        self, views: list[Tensor], data_samples: list[ReIDDataSample]
    ) -> dict[str, Tensor]:
        """Return the loss of two views ``(B, 3, h, w)`` of a batch."""
        keys = self.keys(views[1])
        queries = self.student(views[:1])[0]
        loss = queue_contrast_loss(
            queries, keys, self.queue.feats, self.temperature
        )
        self.queue.enqueue(keys)
        return {'loss': loss}

    def keys(self, view: Tensor) -> Tensor:
        """Map a view ``(B, 3, h, w)`` to the teacher's keys ``(B, D)``."""
        return apply_on_shuffled_ranks(lambda x: self.teacher([x])[0], view)
