"""TeacherUpdateHook: when the teacher follows the student."""

from __future__ import annotations

import math
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmcion.registry import HOOKS


@HOOKS.register_module()
class TeacherUpdateHook(Hook):
    """Call ``model.update_teacher`` after every step.

    The momentum rises from ``momentum`` to ``end_momentum`` on a cosine over
    all steps. Source: CION, as in DINO.

    Args:
        momentum: share of the teacher kept at the first step.
        end_momentum: the same at the last step.

    Raises:
        ValueError: if they are not 0 <= momentum <= end_momentum <= 1.
    """

    def __init__(
        self, momentum: float = 0.996, end_momentum: float = 1.0
    ) -> None:
        if not 0 <= momentum <= end_momentum <= 1:
            raise ValueError(
                f'0 <= momentum <= end_momentum <= 1 must hold; got '
                f'{momentum} and {end_momentum}'
            )
        self.momentum = momentum
        self.end_momentum = end_momentum

    def momentum_at(self, step: int, max_steps: int) -> float:
        """Return the momentum of a step, counted from 0."""
        cosine = (1 + math.cos(math.pi * step / max_steps)) / 2
        return self.end_momentum - cosine * (self.end_momentum - self.momentum)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Update the teacher."""
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        model.update_teacher(self.momentum_at(runner.iter, runner.max_iters))
