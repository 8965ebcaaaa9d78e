"""Activations that are computed twice instead of kept."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def recompute_activations(network: nn.Module, pattern: str) -> None:
    """Let submodules compute their activations again in the backward pass.

    Their batch norms update their running statistics once, in the first
    pass; plain ``torch.utils.checkpoint`` would do it twice. Random numbers
    are the same in both passes.

    Args:
        network: changed in place; names of its state stay.
        pattern: regular expression for the whole name of a submodule.

    Raises:
        ValueError: if no submodule matches.
    """
    matches = [
        module
        for name, module in network.named_modules()
        if name and re.fullmatch(pattern, name)
    ]
    if not matches:
        names = [name for name, _ in network.named_modules() if name]
        raise ValueError(
            f'recompute matches no submodule of the backbone: {pattern!r}; '
            f'there are {names[:8]} ...'
        )
    for module in matches:
        module.forward = _Recomputed(module)


class _Recomputed:
    """Stand in for a module's ``forward``."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.forward: Callable[..., Any] = module.forward

    def __call__(self, *args: Any) -> Any:
        return checkpoint(
            self.forward, *args, use_reentrant=False, context_fn=self._contexts
        )

    def _contexts(
        self,
    ) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _fixed_statistics(self.module)


@contextlib.contextmanager
def _fixed_statistics(module: nn.Module) -> Iterator[None]:
    """Let batch norms count into copies of their buffers."""
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
