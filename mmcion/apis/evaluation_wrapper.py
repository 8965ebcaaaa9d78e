"""Evaluate on several ranks without DistributedDataParallel."""

from __future__ import annotations

from typing import Any

from mmengine.config import Config
from mmengine.registry import MODEL_WRAPPERS
from torch import nn


@MODEL_WRAPPERS.register_module()
class EvaluationWrapper(nn.Module):
    """A network on one of several ranks that only evaluate.

    DistributedDataParallel would refuse a network without parameters, such as
    a colour descriptor, and there are no gradients to share.

    Args:
        module: Network.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module: Any = module

    def val_step(self, data: Any) -> Any:
        """Return the module's result for a batch."""
        return self.module.val_step(data)

    def test_step(self, data: Any) -> Any:
        """Return the module's result for a batch."""
        return self.module.test_step(data)


def use_evaluation_wrapper(cfg: Config) -> None:
    """Let mmengine's Runner evaluate without DistributedDataParallel.

    Args:
        cfg: Config of a test, changed in place.
    """
    cfg.model_wrapper_cfg = {'type': 'EvaluationWrapper'}
    cfg.sync_bn = None
