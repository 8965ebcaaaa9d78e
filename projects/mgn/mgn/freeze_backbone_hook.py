"""FreezeBackboneHook: train the new layers first."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmcion.engine.unwrap import unwrapped_model
from mmcion.registry import HOOKS
from mmcion.utils.checks import check_interval


@HOOKS.register_module()
class FreezeBackboneHook(Hook):
    """Keep the backbone as it is during the first part of the training.

    It stays in eval mode, and the optimizer skips it: no update, no decay and
    no state. Gradients are computed all the same, as DDP waits for them.
    Source: fast-reid's ``FREEZE_ITERS``, whose last iteration is frozen, too.

    Args:
        freeze_ratio: Part of all iterations, in [0, 1]; the backbone is
            frozen up to this iteration, counted from 0, inclusive.
    """

    def __init__(self, freeze_ratio: float) -> None:
        check_interval('[0, 1]', freeze_ratio=freeze_ratio)
        self.freeze_ratio = freeze_ratio

    def is_frozen(self, runner: Runner) -> bool:
        """Return whether the backbone is frozen in the present iteration."""
        return runner.iter <= round(self.freeze_ratio * runner.max_iters)

    def before_train(self, runner: Runner) -> None:
        """Attach to the optimizer."""
        parameters = list(unwrapped_model(runner).backbone.parameters())

        # Adam skips what has no gradient, decay and moments included
        def drop(*_: Any) -> None:
            if self.is_frozen(runner):
                for parameter in parameters:
                    parameter.grad = None

        runner.optim_wrapper.optimizer.register_step_pre_hook(drop)

    def before_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        """Set the mode: every epoch begins in train mode."""
        backbone = unwrapped_model(runner).backbone
        frozen = self.is_frozen(runner)
        if backbone.training == frozen:
            backbone.train(not frozen)
