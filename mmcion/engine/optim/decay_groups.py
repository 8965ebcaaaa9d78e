"""DecayGroupsConstructor: weight decay for matrices, none for vectors."""

from __future__ import annotations

from typing import Any

from mmengine.optim import OptimWrapper
from torch import nn

from mmcion.registry import (
    OPTIM_WRAPPER_CONSTRUCTORS,
    OPTIM_WRAPPERS,
    OPTIMIZERS,
)
from mmcion.utils.checks import UserError


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class DecayGroupsConstructor:
    """Build an optimizer with two groups: with and without weight decay.

    Biases and one-dimensional tensors do not decay. Source: CION. Two groups
    instead of mmengine's one per parameter keep multi-tensor optimizers
    fast.

    Args:
        optim_wrapper_cfg: Config of the wrapper, with its ``optimizer``.
        paramwise_cfg: Must be empty; the rule is fixed.
    """

    def __init__(
        self,
        optim_wrapper_cfg: dict[str, Any],
        paramwise_cfg: dict[str, Any] | None = None,
    ) -> None:
        if paramwise_cfg:
            raise UserError(f'paramwise_cfg must be empty: {paramwise_cfg}.')
        self.wrapper_cfg = dict(optim_wrapper_cfg)
        self.optimizer_cfg = dict(self.wrapper_cfg.pop('optimizer'))

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Return the wrapped optimizer of the model's trained parameters."""
        decayed: list[nn.Parameter] = []
        plain: list[nn.Parameter] = []
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                # norms and biases; position embeddings and tokens do decay
                flat = parameter.dim() == 1 or name.endswith('.bias')
                (plain if flat else decayed).append(parameter)
        groups: list[dict[str, Any]] = [
            {'params': decayed},
            {'params': plain, 'weight_decay': 0.0},
        ]
        groups = [group for group in groups if group['params']]
        optimizer = OPTIMIZERS.build({**self.optimizer_cfg, 'params': groups})
        wrapper = {'type': 'OptimWrapper', **self.wrapper_cfg}
        return OPTIM_WRAPPERS.build(
            wrapper, default_args={'optimizer': optimizer}
        )
