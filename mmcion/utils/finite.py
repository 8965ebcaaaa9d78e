"""Which tensors of a nested state are not finite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor


def not_finite(state: Any) -> list[str]:
    """Return the names of floating-point tensors that hold NaN or infinity.

    Args:
        state: Nested mappings, lists and tuples, such as a checkpoint.
            Numbers and text in it are not looked at.
    """
    named = list(_tensors(state, ''))
    # all are queued on the GPU before the first answer is waited for
    flags = [tensor.isfinite().all() for _, tensor in named]
    return [
        name for (name, _), flag in zip(named, flags, strict=True) if not flag
    ]


def _tensors(state: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(state, Tensor):
        if state.is_floating_point():
            yield name, state
    elif isinstance(state, Mapping):
        for key, part in state.items():
            yield from _tensors(part, f'{name}.{key}'.lstrip('.'))
    elif isinstance(state, list | tuple):
        for index, part in enumerate(state):
            yield from _tensors(part, f'{name}.{index}'.lstrip('.'))
