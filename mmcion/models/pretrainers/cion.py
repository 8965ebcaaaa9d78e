"""CION: identity-guided self-distillation with an EMA teacher."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcion.registry import MODELS
from mmcion.structures import ReIDDataSample

from .base_pretrainer import BasePretrainer, pids_of


@MODELS.register_module()
class CION(BasePretrainer):
    """Pre-train a backbone on labelled, multi-cropped images.

    The student sees all views, the teacher the two global ones. The teacher
    has no gradient, stays in training mode with its own BN statistics and
    follows the student through ``update_teacher``. Source: CION (NeurIPS
    2024), whose released weights are the teacher's.

    Args:
        backbone: Config; its last output map is averaged over space.
        projector: Config of ``Projector``, see ``build_on``.
        head: Config of ``SelfDistillHead``, without ``num_prototypes``.
        options: See ``BasePretrainer``.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        projector: dict[str, Any],
        head: dict[str, Any],
        **options: Any,
    ) -> None:
        super().__init__(backbone, projector, **options)
        num_prototypes = self.student.projector.num_prototypes
        self.head = MODELS.build(
            head, default_args={'num_prototypes': num_prototypes}
        )

    def loss(
        self, views: list[Tensor], data_samples: list[ReIDDataSample]
    ) -> dict[str, Tensor]:
        """Return the losses of V views ``(B, 3, h, w)`` of a batch."""
        return self.distill(views, pids_of(data_samples, views[0]))

    def distill(self, views: list[Tensor], pids: Tensor) -> dict[str, Tensor]:
        """Return the losses of V views, with positives of equal ``pids``."""
        self.head.moves_center = self.ends_step
        # the teacher sees the global views only: (2, B, C)
        with torch.no_grad():
            teacher = self.teacher(views[:2])
        if self.head.chunk_size is None:
            # (V, B, C)
            return self.head.loss(self.student(views), teacher, pids)
        # (V, B, D); the head multiplies with the prototypes, in chunks
        projector = self.student.projector
        feats = projector.embed(self.student.pool(views))
        feats = feats.unflatten(0, (len(views), -1))
        return self.head.loss(feats, teacher, pids, projector.prototypes)
