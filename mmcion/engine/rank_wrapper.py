"""RankWrapper: a model that several ranks test."""

from __future__ import annotations

from typing import Any

from torch import nn

from mmcion.registry import MODEL_WRAPPERS


@MODEL_WRAPPERS.register_module()
class RankWrapper(nn.Module):
    """Wrap a model as DDP does, but without synchronising anything.

    DDP refuses models that have no parameters to train.

    Args:
        module: Model on its device.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module: Any = module

    def test_step(self, data: Any) -> Any:
        """Return the predictions of a batch."""
        return self.module.test_step(data)

    def val_step(self, data: Any) -> Any:
        """Return the predictions of a batch."""
        return self.module.val_step(data)
