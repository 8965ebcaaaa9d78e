"""Build a module on top of another one."""

from __future__ import annotations

from typing import Any

from torch import nn

from mmcion.registry import MODELS
from mmcion.utils.checks import UserError


def build_on(previous: nn.Module, cfg: dict[str, Any], name: str) -> Any:
    """Build a module that takes the features of another one.

    Args:
        previous: Backbone or neck. Its ``num_features``, if it has any,
            become ``in_channels`` of the module.
        cfg: Config of the module. ``in_channels`` is only needed after
            backbones of other packages, which have no ``num_features``.
        name: Where the config is, for messages, such as ``'model.neck'``.
    """
    width: Any = getattr(previous, 'num_features', None)
    if not isinstance(width, int):  # some backbones list those of all stages
        return MODELS.build(cfg)
    if cfg.get('in_channels', width) != width:
        raise UserError(
            f'{name}.in_channels is {cfg["in_channels"]}, but it gets {width} '
            f'channels: leave it out.'
        )
    return MODELS.build(cfg, default_args={'in_channels': width})
