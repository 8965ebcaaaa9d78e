"""MGNBackbone: a ResNet whose last blocks are there three times."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from torch import Tensor, nn

from mmcion.registry import MODELS

BRANCHES = ('b1', 'b2', 'b3')
# what each branch has of its own: layer3 but for its first block, and layer4
_IN_BRANCH = re.compile(r'layer3\.[1-9]|layer4\.')


@MODELS.register_module()
class MGNBackbone(nn.Module):
    """Share a ResNet up to the first block of layer3, then branch in three.

    The branches begin as copies of each other. Weights of the plain ResNet
    fill the shared part and each of them, see ``load_part``. Source: Wang et
    al., "Learning discriminative features with multiple granularities for
    person re-identification" (MM 2018), section 3.1; all branches with last
    stride 1, as in fast-reid.

    Args:
        backbone: Config of a ``ResNet`` or ``ResNetIBN``.
    """

    def __init__(self, backbone: dict[str, Any]) -> None:
        super().__init__()
        trunk = MODELS.build(backbone)
        self.num_features: int = trunk.num_features
        shared, *own = trunk.layer3.named_children()
        # under the names that the blocks have in the plain ResNet
        branch = nn.Sequential(
            OrderedDict(
                layer3=nn.Sequential(OrderedDict(own)), layer4=trunk.layer4
            )
        )
        # what stays ends with the first block of layer3
        trunk.layer3 = nn.Sequential(OrderedDict([shared]))
        del trunk.layer4
        trunk.res_layers = trunk.res_layers[:3]
        trunk.out_indices = (2,)
        self.trunk = trunk
        for name in BRANCHES:
            self.add_module(name, deepcopy(branch))

    @staticmethod
    def adapt_weights(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give every branch the weights of a plain one; see ``load_part``."""
        if any(name.startswith('trunk.') for name in tensors):
            return dict(tensors)
        return {
            f'{part}.{name}': tensor
            for name, tensor in tensors.items()
            if not name.startswith(('fc.', 'head.'))
            for part in (BRANCHES if _IN_BRANCH.match(name) else ('trunk',))
        }

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images ``(N, 3, H, W)`` to three maps ``(N, d, h, w)``."""
        (x,) = self.trunk(x)
        return tuple(getattr(self, name)(x) for name in BRANCHES)
