"""ReIDModel: a backbone that turns person images into features."""

from __future__ import annotations

from typing import Any

from mmengine.model import BaseModel
from torch import Tensor

from mmcion.models.utils import (
    feature_output,
    load_backbone,
    pooled_feature,
)
from mmcion.registry import MODELS
from mmcion.structures import ReIDDataSample


@MODELS.register_module()
class ReIDModel(BaseModel):
    """Extract one feature per image, for direct transfer and inference.

    Args:
        backbone: config of any registered backbone; a last output map is
            averaged over space.
        backbone_checkpoint: weights of the backbone, as of pre-training;
            see ``load_backbone`` for what is understood.
        data_preprocessor: config; ``ReIDDataPreprocessor`` if None.
        init_cfg: as in mmengine.

    Attributes:
        meta: what its model file says, see ``save_model_file``; empty for
            other models.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        backbone_checkpoint: str | None = None,
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        # built here: mmengine's BaseModel knows our names in our scope only
        preprocessor = MODELS.build(
            data_preprocessor or {'type': 'mmcion.ReIDDataPreprocessor'}
        )
        super().__init__(preprocessor, init_cfg)
        self.meta: dict[str, Any] = {}
        self.backbone = MODELS.build(backbone)
        self.backbone_checkpoint = backbone_checkpoint
        self._load_backbone()

    def init_weights(self) -> None:
        """Initialise, then load ``backbone_checkpoint`` if there is one."""
        super().init_weights()
        self._load_backbone()

    def _load_backbone(self) -> None:
        if self.backbone_checkpoint:
            load_backbone(self.backbone, self.backbone_checkpoint)

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[ReIDDataSample] | None = None,
        mode: str = 'tensor',
    ) -> Any:
        """Return features ``(N, d)``, or the samples that carry them.

        Args:
            inputs: ``(N, 3, H, W)``, normalised.
            data_samples: one per image, for ``mode='predict'``.
            mode: ``'tensor'`` or ``'predict'``.
        """
        feats = pooled_feature(self.backbone(inputs))
        return feature_output(feats, data_samples, mode)
