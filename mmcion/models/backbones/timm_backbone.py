"""Base class of the backbones that timm builds."""

from __future__ import annotations

from typing import Any, ClassVar

import timm
from torch import Tensor, nn

from mmcion.utils.checks import UserError, check_choice


class TimmBackbone(nn.Module):
    """Backbone that wraps a model of timm.

    Subclasses list their architectures and change what differs from timm.
    Weights are never downloaded.

    Attributes:
        archs: timm's name of each architecture.
        min_size: Smallest height and width of an image.
        ends_in_vector: Whether layers follow the model's own global pooling.
        num_features: Dimensions d of the pooled feature.

    Args:
        arch: One of ``archs``.
        kwargs: Passed on to timm's class.

    Raises:
        UserError: For an unknown ``arch``.
    """

    archs: ClassVar[dict[str, str]]
    min_size: ClassVar[int] = 1
    ends_in_vector: ClassVar[bool] = False

    def __init__(self, arch: str, **kwargs: Any) -> None:
        super().__init__()
        check_choice('arch', arch, self.archs)
        model: Any = timm.create_model(
            self.archs[arch], pretrained=False, num_classes=0, **kwargs
        )
        self.model = model
        self.num_features: int = model.head_hidden_size

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Map images ``(N, 3, H, W)`` to one map ``(N, d, h, w)``.

        Its mean over space is the feature; h = w = 1 where the model pools
        by itself.

        Raises:
            UserError: If the images are too small for the model.
        """
        height, width = x.shape[-2:]
        if min(height, width) < self.min_size:
            raise UserError(
                f'{type(self).__name__} needs images of at least '
                f'{self.min_size} x {self.min_size} pixels, since it reduces '
                f'them by {self.min_size} without padding; got {height} x '
                f'{width} (height x width).'
            )
        return (self.last_map(x),)

    def last_map(self, x: Tensor) -> Tensor:
        """Map images ``(N, 3, H, W)`` to ``(N, d, h, w)``."""
        x = self.model.forward_features(x)
        if not self.ends_in_vector:
            return x
        # (N, d) -> (N, d, 1, 1)
        return self.model.forward_head(x, pre_logits=True)[:, :, None, None]


def reset_to_torch_default(model: nn.Module) -> None:
    """Initialise convolutions and linear layers as PyTorch does."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.reset_parameters()
