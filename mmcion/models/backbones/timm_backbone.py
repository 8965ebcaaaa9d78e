"""What the backbones that timm builds have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import timm
from torch import Tensor, nn


class TimmBackbone(nn.Module):
    """One of timm's models as a backbone of ours.

    Subclasses list their architectures and add what timm lacks. Weights are
    never downloaded.

    Attributes:
        archs: name of the architecture to timm's name of the model.
        min_size: least height and width of an image.
        ends_in_vector: the structure pools by itself, and goes on after.
        num_features: dimensions d of the pooled feature.

    Args:
        arch: one of ``archs``.
        kwargs: passed on to timm's class.

    Raises:
        ValueError: for an unknown ``arch``.
    """

    archs: ClassVar[dict[str, str]]
    min_size: ClassVar[int] = 1
    ends_in_vector: ClassVar[bool] = False

    def __init__(self, arch: str, **kwargs: Any) -> None:
        super().__init__()
        if arch not in self.archs:
            raise ValueError(
                f'{type(self).__name__} has the architectures '
                f'{", ".join(self.archs)}; got {arch!r}'
            )
        model: Any = timm.create_model(
            self.archs[arch], pretrained=False, num_classes=0, **kwargs
        )
        self.model = model
        self.num_features: int = model.head_hidden_size

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Map images ``(N, 3, H, W)`` to one map ``(N, d, h, w)``.

        Its mean over space is the feature; h = w = 1 where the structure
        pools by itself.

        Raises:
            ValueError: if the images are too small for the structure.
        """
        height, width = x.shape[-2:]
        if min(height, width) < self.min_size:
            raise ValueError(
                f'{type(self).__name__} reduces images by {self.min_size} '
                f'without padding, so they must have at least '
                f'{self.min_size} x {self.min_size} pixels; got {height} x '
                f'{width} (height x width)'
            )
        return (self.last_map(x),)

    def last_map(self, x: Tensor) -> Tensor:
        """Map images ``(N, 3, H, W)`` to ``(N, d, h, w)``."""
        x = self.model.forward_features(x)
        if not self.ends_in_vector:
            return x
        return self.model.forward_head(x, pre_logits=True)[:, :, None, None]


def reset_to_torch_default(model: nn.Module) -> None:
    """Initialise convolutions and linear layers as PyTorch does."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.reset_parameters()
