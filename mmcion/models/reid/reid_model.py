"""ReIDModel: a backbone that maps person images to features."""

from __future__ import annotations

import logging
from typing import Any

from mmengine.logging import print_log
from mmengine.model import BaseModel
from torch import Tensor
from torch.nn.functional import normalize

from mmcion.models.utils import (
    build_on,
    camera_inputs,
    feature_output,
    pooled_feature,
)
from mmcion.models.weights import (
    MatchReport,
    ModelSpec,
    load_part,
    model_origin,
)
from mmcion.registry import MODELS
from mmcion.structures import ReIDDataSample
from mmcion.utils.checks import UserError, check_choice

NECK_FEATS = ('before', 'after')


@MODELS.register_module()
class ReIDModel(BaseModel):
    """Extract one feature per image; with a head, train on identities.

    Without neck and head it serves direct transfer and inference.

    Args:
        backbone: Config of any registered backbone; a last output map is
            averaged over space. One whose ``takes_cameras`` is set is also
            given ``cam_ids``, N integers, or None for images alone.
        backbone_checkpoint: Weights of the backbone, for example of
            pre-training; see ``load_part`` for the formats.
        other_statistics: Whether the weights to start from may have been
            trained with another mean and standard deviation of images.
        data_preprocessor: Config; ``ReIDDataPreprocessor`` if None.
        neck: Config of a module such as ``BNNeck``, which maps the pooled
            feature to one for distances and one for classes; see
            ``build_on``. With an attribute ``takes_maps`` it gets what the
            backbone returns, to pool it itself.
        head: Config of ``ReIDHead``, for training only.
        frozen_backbone: Train neck and head only; the backbone stays in eval
            mode, statistics included.
        neck_feat: Feature of the neck that is the image's, ``'before'`` or
            ``'after'`` normalising.
        neck_checkpoint: Weights of the neck; see ``load_part``.
        flip_test: Return the mean of the unit features of the image and of
            its mirror image. Losses do not use it.

    Attributes:
        spec: Description in its model file; None for other models.
        origin: What weights to start from must agree with.
        loaded: Reports of the weights that it has loaded, by part.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        backbone_checkpoint: str | None = None,
        data_preprocessor: dict[str, Any] | None = None,
        *,
        neck: dict[str, Any] | None = None,
        head: dict[str, Any] | None = None,
        frozen_backbone: bool = False,
        neck_feat: str = 'after',
        neck_checkpoint: str | None = None,
        flip_test: bool = False,
        other_statistics: bool = False,
    ) -> None:
        check_choice('neck_feat', neck_feat, NECK_FEATS)
        if neck_checkpoint and neck is None:
            raise UserError(f'{neck_checkpoint=} needs model.neck.')
        # built here: mmengine's BaseModel finds our names in our scope only
        preprocessor = MODELS.build(
            data_preprocessor or {'type': 'mmcion.ReIDDataPreprocessor'}
        )
        super().__init__(preprocessor)
        self.spec: ModelSpec | None = None
        self.loaded: dict[str, MatchReport] = {}
        self.origin = model_origin(
            backbone,
            data_preprocessor,
            # with a neck from a file it is evaluated, on images as there
            other_statistics=other_statistics and not neck_checkpoint,
        )
        last = self.backbone = MODELS.build(backbone)
        self.neck: Any = None
        self.head: Any = None
        if neck:
            last = self.neck = build_on(last, neck, 'model.neck')
        if head:
            self.head = build_on(last, head, 'model.head')
        self.backbone_checkpoint = backbone_checkpoint
        self.neck_checkpoint = neck_checkpoint
        self.neck_feat = neck_feat
        self.frozen_backbone = frozen_backbone
        self.flip_test = flip_test
        if frozen_backbone:
            self.backbone.requires_grad_(False)
            self.train(self.training)
        self._load()

    def init_weights(self) -> None:
        """Initialise, then load the given checkpoints."""
        super().init_weights()
        self._load()
        if self.head is not None and not self.backbone_checkpoint:
            print_log(
                'training begins without model.backbone_checkpoint: unless a '
                'run is resumed, the backbone is as it was initialised.',
                logger='current',
                level=logging.WARNING,
            )

    def _load(self) -> None:
        if self.backbone_checkpoint:
            self.loaded['backbone'] = load_part(
                self.backbone,
                self.backbone_checkpoint,
                own=self.origin,
                # a network that was trained as a whole has all its tensors
                adapt=not self.neck_checkpoint,
            )
        if self.neck_checkpoint:
            self.loaded['neck'] = load_part(
                self.neck, self.neck_checkpoint, 'neck'
            )

    def train(self, mode: bool = True) -> ReIDModel:
        """Set the mode of all but a frozen backbone."""
        super().train(mode)
        if self.frozen_backbone:
            self.backbone.eval()
        return self

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[ReIDDataSample] | None = None,
        mode: str = 'tensor',
    ) -> Any:
        """Return features ``(N, D)``, samples with their feature, or losses.

        Args:
            inputs: ``(N, 3, H, W)``, normalised.
            data_samples: One per image; not for ``mode='tensor'``.
            mode: ``'loss'`` with a head, or see ``feature_output``.
        """
        if mode == 'loss' and self.head is not None:
            pids = [sample.pid for sample in data_samples or []]
            return self.head.loss(*self._embed(inputs, data_samples), pids)
        feats = self._feature(inputs, data_samples)
        if self.flip_test:
            # the mean of two unit vectors, not normalised again
            mirrored = self._feature(inputs.flip(-1), data_samples)
            feats = (normalize(feats) + normalize(mirrored)) / 2
        return feature_output(feats, data_samples, mode)

    def _embed(
        self, inputs: Tensor, data_samples: list[ReIDDataSample] | None
    ) -> tuple[Tensor, Tensor]:
        """Return features ``(N, D)`` before and after normalising."""
        cameras = camera_inputs(self.backbone, data_samples)
        outputs = self.backbone(inputs, **cameras)
        if getattr(self.neck, 'takes_maps', False):
            return self.neck(outputs)
        feats = pooled_feature(outputs)
        return (feats, feats) if self.neck is None else self.neck(feats)

    def _feature(
        self, inputs: Tensor, data_samples: list[ReIDDataSample] | None
    ) -> Tensor:
        feats = self._embed(inputs, data_samples)
        return feats[NECK_FEATS.index(self.neck_feat)]
