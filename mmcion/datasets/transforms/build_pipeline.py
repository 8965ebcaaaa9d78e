"""A list of configs becomes one transform."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mmengine.dataset import Compose

from mmcion.registry import TRANSFORMS


def build_pipeline(
    pipeline: Sequence[dict[str, Any] | Callable[[dict], Any]],
) -> Compose:
    """Build transforms by our names, whatever the default scope is.

    Args:
        pipeline: configs, or callables that are taken as they are.
    """
    return Compose(
        [
            TRANSFORMS.build(transform)
            if isinstance(transform, dict)
            else transform
            for transform in pipeline
        ]
    )
