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
        archs: Architectures to choose from.
        timm_name: timm's name of an architecture.
        min_size: Smallest height and width of an image.
        ends_in_vector: Whether layers follow the model's own global pooling.
        torch_init: Whether convolutions and linear layers are initialised as
            by PyTorch, as in CION's runs, and not as by timm.
        num_features: Dimensions d of the pooled feature.

    Args:
        arch: One of ``archs``.
        kwargs: Passed on to timm's class.
    """

    archs: ClassVar[tuple[str, ...]]
    timm_name: ClassVar[str]
    min_size: ClassVar[int] = 1
    ends_in_vector: ClassVar[bool] = False
    torch_init: ClassVar[bool] = False

    def __init__(self, arch: str, **kwargs: Any) -> None:
        super().__init__()
        check_choice('arch', arch, self.archs)
        name = self.timm_name.format(arch)
        model: Any = timm.create_model(
            name, pretrained=False, num_classes=0, **kwargs
        )
        self.model = model
        self.num_features: int = model.head_hidden_size
        for module in model.modules() if self.torch_init else ():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.reset_parameters()

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Map images ``(N, 3, H, W)`` to one map ``(N, d, h, w)``.

        Its mean over space is the feature; h = w = 1 where the model pools
        by itself.
        """
        height, width = x.shape[-2:]
        least = self.min_size
        if min(height, width) < least:
            raise UserError(
                f'{type(self).__name__} needs images of at least {least} x '
                f'{least} pixels; got {height} x {width} (height x width).'
            )
        return (self.last_map(x),)

    def last_map(self, x: Tensor) -> Tensor:
        """Map images ``(N, 3, H, W)`` to ``(N, d, h, w)``."""
        x = self.model.forward_features(x)
        if not self.ends_in_vector:
            return x
        # (N, d) -> (N, d, 1, 1)
        return self.model.forward_head(x, pre_logits=True)[:, :, None, None]
