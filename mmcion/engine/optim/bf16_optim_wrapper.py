"""Bf16OptimWrapper: mixed precision without a loss scale."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.optim import OptimWrapper
from torch import nn

from mmcion.registry import OPTIM_WRAPPERS
from mmcion.utils.checks import UserError


@OPTIM_WRAPPERS.register_module()
class Bf16OptimWrapper(OptimWrapper):
    """Run the forward pass in bfloat16 autocast, on GPU and CPU alike.

    bfloat16 has the range of float32, so no loss scale is needed, and
    mmengine's ``AmpOptimWrapper`` (for float16 on older GPUs) refuses to run
    without an accelerator.

    Takes the options of mmengine's ``OptimWrapper``.
    """

    def __init__(self, **options: Any) -> None:
        # older GPUs only emulate it, which is slow
        if get_device() == 'cuda' and not torch.cuda.is_bf16_supported(
            including_emulation=False
        ):
            raise UserError(
                f'{torch.cuda.get_device_name()} has no bfloat16; use optim_'
                f'wrapper.type=AmpOptimWrapper optim_wrapper.dtype=float16'
            )
        super().__init__(**options)

    @contextlib.contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Enter autocast together with gradient accumulation."""
        with (
            super().optim_context(model),
            torch.autocast(get_device(), dtype=torch.bfloat16),
        ):
            yield
