"""ResNet with last stride 1."""

from __future__ import annotations

from typing import Any

from mmpretrain.models import ResNet as MMPretrainResNet
from torch import nn

from mmcion.registry import MODELS
from mmcion.utils.checks import check_choice


@MODELS.register_module()
class ResNet(MMPretrainResNet):
    """ResNet whose last stage keeps the resolution.

    It also differs from mmpretrain's in its initialisation: at construction,
    and without zero-initialised residual branches. Names and shapes of the
    parameters are torchvision's.

    Args:
        depth: 18, 34, 50, 101 or 152.
        strides: Strides of the four stages.
        kwargs: Passed on to ``mmpretrain.models.ResNet``.
    """

    def __init__(
        self,
        depth: int,
        strides: tuple[int, ...] = (1, 2, 2, 1),
        **kwargs: Any,
    ) -> None:
        check_choice('depth', depth, self.arch_settings)
        defaults = {'zero_init_residual': False, 'init_cfg': None}
        super().__init__(depth, strides=strides, **{**defaults, **kwargs})
        self.num_features: int = self.feat_dim  # of the pooled feature
        # He initialisation of torchvision's ResNet
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode='fan_out', nonlinearity='relu'
                )

    def train(self, mode: bool = True) -> ResNet:
        """Set the mode and return the module, which the parent does not."""
        super().train(mode)
        return self
