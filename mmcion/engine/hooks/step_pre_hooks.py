"""Hooks on gradients, between the backward pass and the optimizer's step.

They attach to the optimizer itself, so they see unscaled gradients under
every optimizer wrapper, and need nothing of DDP.
"""

from __future__ import annotations

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.optim import Optimizer

from mmcion.registry import HOOKS
from mmcion.utils.checks import UserError, check_interval

_INITIAL_LOSS_SCALE = 2.0**16  # of PyTorch's GradScaler


@HOOKS.register_module()
class ClipPerTensorHook(Hook):
    """Scale every gradient tensor down to an L2 norm of ``max_norm``.

    Source: CION clips each tensor by itself, not the global norm.

    The published code clips, by oversight, gradients that still carry the
    loss scale S of float16: in true units, to ``max_norm`` / S. Nearly every
    gradient then has that norm at every step, and its elements come close to
    AdamW's ``eps``, so that weights take another path: after six steps of a
    ViT-Tiny they differ by 62 to 85 % of the way that they have moved. S was
    that of PyTorch's ``GradScaler`` by default: 2^16 at the start, doubled
    after 2000 steps without overflow, halved by an overflow.

    Args:
        max_norm: Largest norm of one tensor's gradient.
        as_published: Clip as the published code does. With a loss scaler, to
            ``max_norm`` / its scale at each step. Without one (bfloat16,
            float32) to ``max_norm`` / 2^16, 4.6e-5 by default: that the scale
            stays where it begins is assumed, since its course in the authors'
            runs is not known.
    """

    def __init__(
        self, max_norm: float = 3.0, as_published: bool = False
    ) -> None:
        check_interval('(0, inf)', max_norm=max_norm)
        self.max_norm = max_norm
        self.as_published = as_published

    def before_train(self, runner: Runner) -> None:
        """Attach to the optimizer."""
        wrapper = runner.optim_wrapper
        scaler: Any = getattr(wrapper, 'loss_scaler', None)

        def published_scale() -> float:
            return scaler.get_scale() if scaler else _INITIAL_LOSS_SCALE

        @torch.no_grad()
        def clip(optimizer: Optimizer, *_: Any) -> None:
            grads = [
                parameter.grad
                for group in optimizer.param_groups
                for parameter in group['params']
                if parameter.grad is not None
            ]
            if not grads:
                return
            # Here gradients are in true units, except that fused optimizers
            # undo the loss scale themselves, later.
            scale = published_scale() if self.as_published else 1.0
            scale = scale / getattr(optimizer, 'grad_scale', 1.0)
            norms = torch.stack(torch._foreach_norm(grads)) * scale
            factors = (self.max_norm / (norms + 1e-6)).clamp_max(1)
            torch._foreach_mul_(grads, list(factors.unbind()))

        wrapper.optimizer.register_step_pre_hook(clip)


@HOOKS.register_module()
class FreezeLastLayerHook(Hook):
    """Keep the prototype layer as it is during the first epochs.

    Its gradients are dropped before the step: no update, no decay and no
    optimizer state. Source: CION and DINO, first epoch.

    Args:
        epochs: Number of epochs.
    """

    def __init__(self, epochs: int = 1) -> None:
        self.epochs = epochs

    def before_train(self, runner: Runner) -> None:
        """Find the parameters and attach to the optimizer."""
        frozen = [
            parameter
            for name, parameter in runner.model.named_parameters()
            if 'last_layer' in name and parameter.requires_grad
        ]
        if not frozen:
            raise UserError('the model has no last_layer that is trained.')

        def drop(*_: Any) -> None:
            if runner.epoch < self.epochs:
                for parameter in frozen:
                    parameter.grad = None

        runner.optim_wrapper.optimizer.register_step_pre_hook(drop)
