"""ResNet with non-local blocks, the backbone of AGW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from mmcion.registry import MODELS

from .non_local import NonLocalBlock


@MODELS.register_module()
class NonLocalResNet(nn.Module):
    """Add non-local blocks behind the last blocks of a ResNet's stages.

    Its tensors are those of the ResNet, under ``trunk.``, and of the blocks.
    Training starts from weights of the ResNet alone: the blocks begin as
    identity.

    Args:
        trunk: Config of ``ResNet`` or ``ResNetIBN``.
        non_local: Number of non-local blocks in each stage: 0, 2, 3, 0 for
            ResNet50; 0, 2, 9, 0 for ResNet101 and 0, 4, 12, 0 for ResNet152,
            as in fast-reid.
        inner_channels: See ``NonLocalBlock``.
        stem_relu: Whether a ReLU follows the stem's normalisation. It is
            missing in AGW's own code for one modality, although the weights
            that it starts from expect it.

    Attributes:
        num_features: Channels of the last map.
    """

    def __init__(
        self,
        trunk: dict[str, Any],
        non_local: Sequence[int] = (0, 2, 3, 0),
        inner_channels: int | None = None,
        *,
        stem_relu: bool = True,
    ) -> None:
        super().__init__()
        self.trunk: Any = MODELS.build(trunk)
        self.stem_relu = stem_relu
        self.num_features: int = self.trunk.num_features
        self.non_local = nn.ModuleDict()
        for stage, count in zip(self.trunk.res_layers, non_local, strict=True):
            blocks = getattr(self.trunk, stage)
            for number in range(len(blocks) - count, len(blocks)):
                self.non_local[f'{stage}_{number}'] = NonLocalBlock(
                    blocks[number].out_channels, inner_channels
                )

    def adapt_weights(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return own tensors, given those of the ResNet alone or all.

        Blocks that are missing altogether begin as identity, as in weights of
        the same network without them.
        """
        of_trunk = self.trunk.state_dict()
        if any(name in of_trunk for name in tensors):  # of a ResNet
            tensors = {
                name if name.startswith('thermal.') else f'trunk.{name}': value
                for name, value in tensors.items()
            }
        parts = {name.partition('.')[0] for name in tensors}
        if 'trunk' in parts and 'non_local' not in parts:
            blocks = self.non_local.state_dict(prefix='non_local.')
            tensors = {**blocks, **tensors}
        return tensors

    def forward(self, x: Tensor) -> Tensor:
        """Map images ``(N, 3, H, W)`` to a map ``(N, d, h, w)``."""
        return self.stages(self.stem(x))

    def stem(self, x: Tensor) -> Tensor:
        """Pass what comes before the stages."""
        return self.after_stem(self.trunk.norm1(self.trunk.conv1(x)))

    def after_stem(self, x: Tensor) -> Tensor:
        """Pass what has no weights between the stem and the stages."""
        if self.stem_relu:
            x = self.trunk.relu(x)
        return self.trunk.maxpool(x)

    def stages(self, x: Tensor) -> Tensor:
        """Pass the four stages with their non-local blocks."""
        for stage in self.trunk.res_layers:
            for number, block in enumerate(getattr(self.trunk, stage)):
                x = block(x)
                name = f'{stage}_{number}'
                if name in self.non_local:
                    x = self.non_local[name](x)
        return x
