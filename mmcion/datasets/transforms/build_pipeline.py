"""Build a pipeline of transforms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mmengine.dataset import Compose

from mmcion.registry import TRANSFORMS


def build_pipeline(
    pipeline: Sequence[dict[str, Any] | Callable[[dict], Any]],
) -> Compose:
    """Build transforms from our registry, whatever the default scope is.

    Args:
        pipeline: Configs, or callables, which are used as they are.
    """
    return Compose(
        [TRANSFORMS.build(t) if isinstance(t, dict) else t for t in pipeline]
    )
