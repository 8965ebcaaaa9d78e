"""Hooks on gradients, between the backward pass and the optimizer's step.

They attach to the optimizer itself, so they see unscaled gradients under
every optimizer wrapper, and leave DDP alone.
"""

from __future__ import annotations

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.optim import Optimizer

from mmcion.registry import HOOKS


@HOOKS.register_module()
class ClipPerTensorHook(Hook):
    """Scale every gradient tensor down to an L2 norm of ``max_norm``.

    Source: CION clips each tensor by itself, not the global norm.

    Args:
        max_norm: largest norm of one tensor's gradient.
        clip_before_unscale: clip gradients that still carry the loss scale S
            of float16, as the published code does by oversight: in true
            units, to ``max_norm`` / S. For comparing with it only.
    """

    def __init__(
        self, max_norm: float = 3.0, clip_before_unscale: bool = False
    ) -> None:
        if max_norm <= 0:
            raise ValueError(f'max_norm must be > 0; got {max_norm}')
        self.max_norm = max_norm
        self.clip_before_unscale = clip_before_unscale

    def before_train(self, runner: Runner) -> None:
        """Attach to the optimizer.

        Raises:
            ValueError: if ``clip_before_unscale`` is set and there is no
                loss scale.
        """
        wrapper = runner.optim_wrapper
        if not self.clip_before_unscale:

            def loss_scale() -> float:
                return 1.0

        elif hasattr(wrapper, 'loss_scaler'):
            loss_scale = wrapper.loss_scaler.get_scale
        else:
            raise ValueError(
                f'clip_before_unscale needs an optimizer wrapper with a loss '
                f'scale, such as AmpOptimWrapper; got '
                f'{type(wrapper).__name__}'
            )
        wrapper.optimizer.register_step_pre_hook(
            lambda optimizer, *_: self._clip(optimizer, loss_scale())
        )

    @torch.no_grad()
    def _clip(self, optimizer: Optimizer, loss_scale: float) -> None:
        grads = [
            parameter.grad
            for group in optimizer.param_groups
            for parameter in group['params']
            if parameter.grad is not None
        ]
        if not grads:
            return
        # fused optimizers undo the loss scale themselves, later
        loss_scale = loss_scale / getattr(optimizer, 'grad_scale', 1.0)
        norms = torch.stack(torch._foreach_norm(grads)) * loss_scale
        scales = (self.max_norm / (norms + 1e-6)).clamp_max(1)
        torch._foreach_mul_(grads, list(scales.unbind()))


@HOOKS.register_module()
class FreezeLastLayerHook(Hook):
    """Keep the prototype layer as it is during the first epochs.

    Its gradients are dropped before the step: no update, no decay and no
    optimizer state. Source: CION and DINO, first epoch.

    Args:
        epochs: how many.
        name: parameters whose name contains it are frozen.
    """

    def __init__(self, epochs: int = 1, name: str = 'last_layer') -> None:
        self.epochs = epochs
        self.name = name

    def before_train(self, runner: Runner) -> None:
        """Find the parameters and attach to the optimizer.

        Raises:
            ValueError: if no trained parameter has ``name`` in its name.
        """
        frozen = [
            parameter
            for name, parameter in runner.model.named_parameters()
            if self.name in name and parameter.requires_grad
        ]
        if not frozen:
            raise ValueError(
                f'no trained parameter of the model is named *{self.name}*.'
            )

        def drop(*_: Any) -> None:
            if runner.epoch < self.epochs:
                for parameter in frozen:
                    parameter.grad = None

        runner.optim_wrapper.optimizer.register_step_pre_hook(drop)
