"""CION: identity-guided self-distillation with an EMA teacher."""

from __future__ import annotations

from copy import deepcopy
from itertools import groupby
from typing import Any

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmcion.models.necks import Projector
from mmcion.models.utils import build_on, feature_output, pooled_feature
from mmcion.models.weights import MatchReport, load_part, model_origin
from mmcion.registry import MODELS
from mmcion.structures import ReIDDataSample
from mmcion.utils.checks import UserError

from .recompute import recompute_activations


class EncoderProjector(nn.Module):
    """Backbone and projector; student and teacher are one each."""

    def __init__(self, backbone: nn.Module, projector: Projector) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = projector

    def forward(self, views: list[Tensor]) -> Tensor:
        """Map V views ``(B, 3, h, w)`` to logits ``(V, B, C)``."""
        return self.projector(self._pool(views)).unflatten(0, (len(views), -1))

    def embed(self, views: list[Tensor]) -> Tensor:
        """Map views to the input ``(V, B, D)`` of the prototype layer."""
        feats = self.projector.embed(self._pool(views))
        return feats.unflatten(0, (len(views), -1))

    def _pool(self, views: list[Tensor]) -> Tensor:
        # adjacent views of one resolution share a backbone pass: (V B, d)
        feats = [
            pooled_feature(self.backbone(torch.cat(list(group))))
            for _, group in groupby(views, key=lambda view: view.shape[-2:])
        ]
        return torch.cat(feats)


@MODELS.register_module()
class CION(BaseModel):
    r"""Pre-train a backbone on labelled, multi-cropped images.

    The student sees all views, the teacher the two global ones. The teacher
    has no gradient, stays in training mode with its own BN statistics and
    follows the student through ``update_teacher``. Source: CION (NeurIPS
    2024), whose released weights are the teacher's.

    Args:
        backbone: Config; its last output map is averaged over space.
        projector: Config of ``Projector``, see ``build_on``.
        head: Config of ``SelfDistillHead``, without ``num_prototypes``.
        backbone_checkpoint: Weights to start the backbone from; see
            ``load_part`` for the formats.
        other_statistics: See ``ReIDModel``.
        channels_last: Keep maps in NHWC order, which is faster for
            convolutions on CPUs and on GPUs with mixed precision. Same result
            within rounding.
        compile_backbone: Run ``torch.compile`` on both backbones, one graph
            for each size of view.
        recompute: Regular expression of the whole names of submodules of the
            student's backbone that recompute their activations in the
            backward pass, such as a ResNet's blocks, ``layer\d\.\d+``. Same
            result; excludes ``compile_backbone``.
        data_preprocessor: Config; ``ReIDDataPreprocessor`` if None.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        projector: dict[str, Any],
        head: dict[str, Any],
        backbone_checkpoint: str | None = None,
        channels_last: bool = False,
        compile_backbone: bool = False,
        recompute: str | None = None,
        data_preprocessor: dict[str, Any] | None = None,
        other_statistics: bool = False,
    ) -> None:
        if recompute is not None and compile_backbone:
            raise UserError('recompute excludes compile_backbone.')
        # built here: mmengine's BaseModel finds our names in our scope only
        preprocessor = MODELS.build(
            data_preprocessor or {'type': 'mmcion.ReIDDataPreprocessor'}
        )
        super().__init__(preprocessor)
        self.loaded: dict[str, MatchReport] = {}  # as of ``ReIDModel``
        self.origin = model_origin(
            backbone, data_preprocessor, other_statistics=other_statistics
        )
        encoder = MODELS.build(backbone)
        projection = build_on(encoder, projector, 'model.projector')
        self.student = EncoderProjector(encoder, projection)
        self.teacher = deepcopy(self.student).requires_grad_(False)
        self.head = MODELS.build(
            head, default_args={'num_prototypes': projection.num_prototypes}
        )
        self.memory_format = (
            torch.channels_last if channels_last else torch.contiguous_format
        )
        self.to(memory_format=self.memory_format)
        self.backbone_checkpoint = backbone_checkpoint
        if recompute is not None:
            recompute_activations(self.student.backbone, recompute)
        if compile_backbone:
            for network in (self.student, self.teacher):
                network.backbone.compile(dynamic=False)

    def init_weights(self) -> None:
        """Initialise the student and copy it to the teacher."""
        super().init_weights()
        if self.backbone_checkpoint:
            self.loaded['backbone'] = load_part(
                self.student.backbone,
                self.backbone_checkpoint,
                own=self.origin,
            )
        self.teacher.load_state_dict(self.student.state_dict())

    def forward(
        self,
        inputs: Any,
        data_samples: list[ReIDDataSample] | None = None,
        mode: str = 'tensor',
    ) -> Any:
        """Compute losses, or features of the teacher's backbone.

        Args:
            inputs: V views ``(B, 3, h, w)`` for ``mode='loss'``, else one
                ``(B, 3, H, W)``.
            data_samples: One per image; needed for losses.
            mode: ``'loss'``, or see ``feature_output``.
        """
        if mode == 'loss':
            return self.loss(inputs, data_samples or [])
        feats = pooled_feature(self.teacher.backbone(inputs))
        return feature_output(feats, data_samples, mode)

    def loss(
        self, views: list[Tensor], data_samples: list[ReIDDataSample]
    ) -> dict[str, Tensor]:
        """Return the losses of V views ``(B, 3, h, w)`` of a batch."""
        pids = torch.tensor(
            [sample.pid for sample in data_samples], device=views[0].device
        )
        views = [
            view.contiguous(memory_format=self.memory_format) for view in views
        ]
        # the teacher sees the global views only: (2, B, C)
        with torch.no_grad():
            teacher = self.teacher(views[:2])
        if self.head.chunk_size is None:
            # (V, B, C)
            return self.head.loss(self.student(views), teacher, pids)
        # (V, B, D); the head multiplies with the prototypes, in chunks
        prototypes = self.student.projector.prototypes
        return self.head.loss(
            self.student.embed(views), teacher, pids, prototypes
        )

    @torch.no_grad()
    def update_teacher(self, momentum: float) -> None:
        """Move teacher parameters, not buffers, towards the student's."""
        # DINO: teacher <- m teacher + (1 - m) student
        teacher: list[Tensor] = list(self.teacher.parameters())
        student: list[Tensor] = list(self.student.parameters())
        torch._foreach_lerp_(teacher, student, 1 - momentum)
