"""The model that a runner trains, without DDP around it."""

from __future__ import annotations

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn


def unwrapped_model(runner: Runner) -> nn.Module:
    """Return the model itself."""
    model = runner.model
    return model.module if is_model_wrapper(model) else model
