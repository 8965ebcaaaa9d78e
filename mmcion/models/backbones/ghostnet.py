"""GhostNet in the variant of the published weights."""

from __future__ import annotations

from typing import Any

from torch import nn

from mmcion.registry import MODELS

from .timm_backbone import TimmBackbone


@MODELS.register_module()
class GhostNet(TimmBackbone):
    """GhostNet; a convolution after the global pooling gives 1280 features.

    Args:
        arch: One of ``archs``: the width.
        kwargs: Passed on to ``timm.models.GhostNet``.
    """

    archs = ('0_5', '1_0', '1_3')
    timm_name = 'ghostnet_{0[0]}{0[2]}0'  # '0_5' -> 'ghostnet_050'
    ends_in_vector = True

    def __init__(self, arch: str, **kwargs: Any) -> None:
        # timm's dropout before its classifier would act on our feature
        super().__init__(arch, **{'drop_rate': 0.0, **kwargs})
        # timm fuses norm and activation; SyncBatchNorm would lose the latter
        last = self.model.blocks[-1][0]
        last.aa, last.bn1.act = last.bn1.act, nn.Identity()
