"""The trained model without DDP around it."""

from __future__ import annotations

from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner


def unwrapped_model(runner: Runner) -> Any:
    """Return the model itself, with the attributes that hooks use."""
    model = runner.model
    return model.module if is_model_wrapper(model) else model
