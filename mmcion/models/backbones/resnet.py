"""ResNet as it is used for ReID."""

from __future__ import annotations

from typing import Any

from mmpretrain.models import ResNet as MMPretrainResNet
from torch import nn

from mmcion.registry import MODELS


@MODELS.register_module()
class ResNet(MMPretrainResNet):
    """ResNet whose last stage keeps the resolution.

    Beside the last stride, it differs from mmpretrain's in its start: drawn
    when it is built, and without residual branches of zero. Names and shapes
    of the parameters are torchvision's.

    Attributes:
        num_features: dimensions d of the pooled feature.

    Args:
        depth: 18, 34, 50, 101 or 152.
        strides: of the four stages.
        kwargs: passed on to ``mmpretrain.models.ResNet``.

    Raises:
        ValueError: for an unknown ``depth``.
    """

    def __init__(
        self,
        depth: int,
        strides: tuple[int, ...] = (1, 2, 2, 1),
        **kwargs: Any,
    ) -> None:
        if depth not in self.arch_settings:
            raise ValueError(
                f'depth must be one of {sorted(self.arch_settings)}; got '
                f'{depth}'
            )
        defaults = {'zero_init_residual': False, 'init_cfg': None}
        super().__init__(depth, strides=strides, **{**defaults, **kwargs})
        self.num_features: int = self.feat_dim
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode='fan_out', nonlinearity='relu'
                )

    def train(self, mode: bool = True) -> ResNet:
        """Set the mode and return itself, which the parent forgets."""
        super().train(mode)
        return self
