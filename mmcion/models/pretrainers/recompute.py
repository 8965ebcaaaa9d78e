"""Activations that are recomputed in the backward pass instead of kept."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from mmcion.utils.checks import UserError, join_names


def recompute_activations(network: nn.Module, pattern: str) -> None:
    """Let submodules compute their activations again in the backward pass.

    Those whose whole name matches a regular expression. Their batch norms
    update their running statistics once, in the first pass; plain
    ``torch.utils.checkpoint`` would do it twice. Random numbers are the same
    in both passes, and so are the names of the state.
    """
    modules = {name: part for name, part in network.named_modules() if name}
    matches = [
        part for name, part in modules.items() if re.fullmatch(pattern, name)
    ]
    if not matches:
        names = join_names(modules)
        raise UserError(f'recompute {pattern!r} matches none of {names}.')
    for module in matches:
        module.forward = _Recomputed(module)


class _Recomputed:
    """Replacement of a module's ``forward``; can be copied with it."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.forward: Callable[..., Any] = module.forward

    def __call__(self, *args: Any) -> Any:
        return checkpoint(
            self.forward,
            *args,
            use_reentrant=False,
            # one for each pass
            context_fn=lambda: (
                contextlib.nullcontext(),
                fixed_statistics(self.module),
            ),
        )


@contextlib.contextmanager
def fixed_statistics(module: nn.Module) -> Iterator[None]:
    """Let batch norms update copies of their buffers, which are dropped."""
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm)]
    kept = [dict(norm.named_buffers(recurse=False)) for norm in norms]
    for norm, buffers in zip(norms, kept, strict=True):
        for name, buffer in buffers.items():
            setattr(norm, name, buffer.clone())
    try:
        yield
    finally:
        for norm, buffers in zip(norms, kept, strict=True):
            for name, buffer in buffers.items():
                setattr(norm, name, buffer)
