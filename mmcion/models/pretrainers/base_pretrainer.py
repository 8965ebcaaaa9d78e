"""BasePretrainer: what all methods of pre-training share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import deepcopy
from itertools import groupby
from typing import Any, ClassVar

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmcion.models.utils import (
    build_on,
    camera_inputs,
    feature_output,
    pooled_feature,
)
from mmcion.models.weights import MatchReport, load_part, model_origin
from mmcion.registry import MODELS
from mmcion.structures import ReIDDataSample
from mmcion.utils.checks import UserError

from .recompute import recompute_activations


class Encoder(nn.Module):
    """Backbone and projector; student and teacher are one each."""

    def __init__(self, backbone: nn.Module, projector: Any) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = projector

    def forward(self, views: list[Tensor]) -> Tensor:
        """Map V views ``(B, 3, h, w)`` to projections ``(V, B, D)``."""
        return self.projector(self.pool(views)).unflatten(0, (len(views), -1))

    def pool(self, views: list[Tensor]) -> Tensor:
        """Map V views to pooled features ``(V B, d)``, view by view."""
        # adjacent views of one resolution share a backbone pass: (V B, d)
        feats = [
            pooled_feature(self.backbone(torch.cat(list(group))))
            for _, group in groupby(views, key=lambda view: view.shape[-2:])
        ]
        return torch.cat(feats)


class BasePretrainer(BaseModel, ABC):
    r"""Student, teacher and all around them; a method adds its ``loss``.

    The teacher has no gradient and follows the student's parameters through
    ``update_teacher``, which ``TeacherUpdateHook`` calls after every step.
    MoCo's query and key encoder are the same pair.

    Args:
        backbone: Config; its last output map is averaged over space.
        projector: Config of a neck on the pooled feature, see ``build_on``.
        backbone_checkpoint: Weights to start the backbone from; see
            ``load_part`` for the formats.
        other_statistics: See ``ReIDModel``.
        channels_last: Keep maps in NHWC order, which is faster for
            convolutions on CPUs and on GPUs with mixed precision. Same result
            within rounding.
        compile_backbone: Run ``torch.compile`` on the backbones, one graph
            for each size of view.
        recompute: Regular expression of the whole names of submodules of the
            student's backbone that recompute their activations in the
            backward pass, such as a ResNet's blocks, ``layer\d\.\d+``. Same
            result; excludes ``compile_backbone``.
        data_preprocessor: Config; ``ReIDDataPreprocessor`` if None.

    Attributes:
        released: ``'teacher'`` or ``'student'``: the network that is
            evaluated, published and exported.
        has_teacher: Whether there is a teacher.
        ends_step: Whether the optimizer steps after this batch; False for
            all but the last one of a step that accumulates gradients.
    """

    released: ClassVar[str] = 'teacher'
    has_teacher: ClassVar[bool] = True

    def __init__(
        self,
        backbone: dict[str, Any],
        projector: dict[str, Any],
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
        self.student = Encoder(encoder, projection)
        networks = [self.student]
        if self.has_teacher:
            self.teacher = deepcopy(self.student).requires_grad_(False)
            networks.append(self.teacher)
        self.memory_format = (
            torch.channels_last if channels_last else torch.contiguous_format
        )
        self.to(memory_format=self.memory_format)
        self.backbone_checkpoint = backbone_checkpoint
        self.ends_step = True
        if recompute is not None:
            recompute_activations(self.student.backbone, recompute)
        if compile_backbone:
            for network in networks:
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
        if self.has_teacher:
            self.teacher.load_state_dict(self.student.state_dict())

    def forward(
        self,
        inputs: Any,
        data_samples: list[ReIDDataSample] | None = None,
        mode: str = 'tensor',
    ) -> Any:
        """Compute losses, or features of the released backbone.

        Args:
            inputs: V views ``(B, 3, h, w)`` for ``mode='loss'``, else one
                ``(B, 3, H, W)``, which may also be the only view.
            data_samples: One per image; needed for losses, and by backbones
                that take cameras.
            mode: ``'loss'``, or see ``feature_output``.
        """
        if mode == 'loss':
            views = [
                view.contiguous(memory_format=self.memory_format)
                for view in ([inputs] if torch.is_tensor(inputs) else inputs)
            ]
            return self.loss(views, data_samples or [])
        backbone = getattr(self, self.released).backbone
        cameras = camera_inputs(backbone, data_samples)
        feats = pooled_feature(backbone(inputs, **cameras))
        return feature_output(feats, data_samples, mode)

    @abstractmethod
    def loss(
        self, views: list[Tensor], data_samples: list[ReIDDataSample]
    ) -> dict[str, Tensor]:
        """Return the losses of V views ``(B, 3, h, w)`` of a batch."""

    @torch.no_grad()
    def update_teacher(self, momentum: float) -> None:
        """Move teacher parameters, not buffers, towards the student's."""
        # DINO, MoCo: teacher <- m teacher + (1 - m) student
        teacher: list[Tensor] = list(self.teacher.parameters())
        student: list[Tensor] = list(self.student.parameters())
        torch._foreach_lerp_(teacher, student, 1 - momentum)


def pids_of(data_samples: list[ReIDDataSample], like: Tensor) -> Tensor:
    """Return the identities ``(B,)`` of a batch on the device of a tensor."""
    pids = [sample.pid for sample in data_samples]
    return torch.tensor(pids, device=like.device)
