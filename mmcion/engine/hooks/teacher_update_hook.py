"""TeacherUpdateHook: the teacher follows the student."""

from __future__ import annotations

import math
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmcion.engine.unwrap import unwrapped_model
from mmcion.registry import HOOKS
from mmcion.utils.checks import check_interval


@HOOKS.register_module()
class TeacherUpdateHook(Hook):
    """Call ``model.update_teacher`` after every step of the optimizer.

    The momentum rises from ``momentum`` to ``end_momentum`` on a cosine over
    all iterations. Source: CION, as in DINO. A step that float16's loss
    scaler skips counts as one, as published. With equal momenta it is
    constant, as in MoCo, whose update before the key's forward pass is this
    one after the step before.

    Where several batches make a step (``accumulative_counts``), teacher and
    centre move once a step, the centre over the rows of all these batches.

    Args:
        momentum: Fraction of the teacher kept at the first iteration.
        end_momentum: Fraction kept at the last iteration; not less.
    """

    def __init__(
        self, momentum: float = 0.996, end_momentum: float = 1.0
    ) -> None:
        check_interval('[0, 1]', end_momentum=end_momentum)
        check_interval(f'[0, {end_momentum}]', momentum=momentum)
        self.momentum = momentum
        self.end_momentum = end_momentum

    def momentum_at(self, step: int, max_steps: int) -> float:
        """Return the momentum of an iteration, counted from 0."""
        # m_T - (m_T - m_0) (1 + cos(pi t / T)) / 2
        cosine = (1 + math.cos(math.pi * step / max_steps)) / 2
        return self.end_momentum - cosine * (self.end_momentum - self.momentum)

    def before_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        """Let the model know whether a step ends with this batch."""
        # true with the last of the accumulated batches
        ends_step = runner.optim_wrapper.should_sync()
        unwrapped_model(runner).ends_step = ends_step

    def after_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        """Update the teacher after a step."""
        if runner.optim_wrapper.should_update():
            momentum = self.momentum_at(runner.iter, runner.max_iters)
            unwrapped_model(runner).update_teacher(momentum)

    def before_save_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Note which network is the one to use; see ``select``."""
        checkpoint['meta']['released'] = unwrapped_model(runner).released
