"""ReIDModel: a backbone that turns person images into features."""

from __future__ import annotations

import logging
from typing import Any

from mmengine.logging import print_log
from mmengine.model import BaseModel
from torch import Tensor
from torch.nn.functional import normalize

from mmcion.models.utils import feature_output, pooled_feature
from mmcion.models.weights import ModelSpec, load_part
from mmcion.registry import MODELS
from mmcion.structures import ReIDDataSample

NECK_FEATS = ('before', 'after')


@MODELS.register_module()
class ReIDModel(BaseModel):
    """Extract one feature per image; with a head, learn from identities.

    Without neck and head it serves direct transfer and inference.

    Args:
        backbone: config of any registered backbone; a last output map is
            averaged over space.
        backbone_checkpoint: weights of the backbone, as of pre-training;
            see ``load_part`` for what is understood.
        data_preprocessor: config; ``ReIDDataPreprocessor`` if None.
        init_cfg: as in mmengine.
        neck: config of what turns the pooled feature into one for distances
            and one for classes, such as ``BNNeck``.
        head: config of ``ReIDHead``, for training only.
        frozen_backbone: train neck and head only; the backbone has no
            gradient and stays in eval mode, statistics included.
        neck_feat: which feature of the neck is the image's: ``'before'`` or
            ``'after'`` normalising.
        neck_checkpoint: weights of the neck; see ``load_part``.
        flip_test: give the mean of the features of the image and of its
            mirror image, both scaled to length 1. Losses do not see it.

    Attributes:
        spec: What its model file says; None for other models.

    Raises:
        ValueError: if ``neck_feat`` is neither, the widths of the parts do
            not fit each other, or there are weights for no neck.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        backbone_checkpoint: str | None = None,
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
        *,
        neck: dict[str, Any] | None = None,
        head: dict[str, Any] | None = None,
        frozen_backbone: bool = False,
        neck_feat: str = 'after',
        neck_checkpoint: str | None = None,
        flip_test: bool = False,
    ) -> None:
        # built here: mmengine's BaseModel knows our names in our scope only
        preprocessor = MODELS.build(
            data_preprocessor or {'type': 'mmcion.ReIDDataPreprocessor'}
        )
        super().__init__(preprocessor, init_cfg)
        self.spec: ModelSpec | None = None
        self.backbone = MODELS.build(backbone)
        self.neck: Any = MODELS.build(neck) if neck else None
        self.head: Any = MODELS.build(head) if head else None
        self.backbone_checkpoint = backbone_checkpoint
        self.neck_checkpoint = neck_checkpoint
        self.neck_feat = neck_feat
        self.frozen_backbone = frozen_backbone
        self.flip_test = flip_test
        self._check()
        if frozen_backbone:
            self.backbone.requires_grad_(False)
            self.train(self.training)
        self._load()

    def _check(self) -> None:
        if self.neck_feat not in NECK_FEATS:
            raise ValueError(
                f'neck_feat must be one of {NECK_FEATS}; got '
                f'{self.neck_feat!r}'
            )
        if self.neck_checkpoint and self.neck is None:
            raise ValueError(
                f'neck_checkpoint ({self.neck_checkpoint}) needs a neck; set '
                f'model.neck.'
            )
        self._check_channels()

    def _check_channels(self) -> None:
        """Compare the widths of backbone, neck and head that are known."""
        width, giver = getattr(self.backbone, 'num_features', None), 'backbone'
        for name, part in (('neck', self.neck), ('head', self.head)):
            if part is None:
                continue
            if width not in (None, part.in_channels):
                raise ValueError(
                    f'the {giver} gives {width} channels and the {name} takes '
                    f'{part.in_channels}: set model.{name}.in_channels='
                    f'{width}.'
                )
            width, giver = getattr(part, 'out_channels', None), name

    def init_weights(self) -> None:
        """Initialise, then load the checkpoints that there are."""
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
            load_part(self.backbone, self.backbone_checkpoint)
        if self.neck_checkpoint:
            load_part(self.neck, self.neck_checkpoint, 'neck')

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
        """Return features ``(N, D)``, the samples that carry them, or losses.

        Args:
            inputs: ``(N, 3, H, W)``, normalised.
            data_samples: one per image, for ``mode='predict'`` and
                ``mode='loss'``.
            mode: ``'tensor'``, ``'predict'``, or ``'loss'`` with a head.
        """
        if mode == 'loss' and self.head is not None:
            return self.loss(inputs, data_samples or [])
        feats = self._feature(inputs)
        if self.flip_test:
            mirrored = self._feature(inputs.flip(-1))
            feats = (normalize(feats) + normalize(mirrored)) / 2
        return feature_output(feats, data_samples, mode)

    def loss(
        self, inputs: Tensor, data_samples: list[ReIDDataSample]
    ) -> dict[str, Tensor]:
        """Return the losses of images ``(N, 3, H, W)`` with identities."""
        pids = [sample.pid for sample in data_samples]
        return self.head.loss(*self._embed(inputs), pids)

    def _embed(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features ``(N, D)`` for distances and for classes."""
        feats = pooled_feature(self.backbone(inputs))
        return (feats, feats) if self.neck is None else self.neck(feats)

    def _feature(self, inputs: Tensor) -> Tensor:
        return self._embed(inputs)[NECK_FEATS.index(self.neck_feat)]
